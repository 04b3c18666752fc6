package dev.posthaste;

import java.util.List;

/** The tables are not as Posthaste needs them. Nothing was changed. */
public final class SchemaException extends PosthasteException {
    private static final long serialVersionUID = 1;

    private final List<String> problems;

    /** @param problems everything that is wrong, each with what to do */
    public SchemaException(String message, List<String> problems) {
        super(message, null);
        this.problems = List.copyOf(problems);
    }

    /** Everything that is wrong, each with what to do. */
    public List<String> problems() {
        return problems;
    }
}
