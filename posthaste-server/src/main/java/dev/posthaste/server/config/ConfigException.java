package dev.posthaste.server.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration that cannot be used; its message has a line for everything that is wrong. */
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<Problem> problems;

    public ConfigException(String file, List<Problem> problems) {
        super(problems.stream().map(problem -> problem.at(file)).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    public List<Problem> problems() {
        return problems;
    }
}
