package dev.posthaste.examples.support;

/** Something outside is not as it has to be; the message says what, for a person. */
public final class CannotStartException extends Exception {
    public CannotStartException(String message, Throwable cause) {
        super(message, cause);
    }

    /** Adds to {@code what} the first line of what the innermost cause says. */
    public static CannotStartException because(String what, Throwable cause) {
        return new CannotStartException(what + ": " + innermost(cause), cause);
    }

    private static String innermost(Throwable e) {
        Throwable innermost = e;
        while (innermost.getCause() != null) {
            innermost = innermost.getCause();
        }
        String message = innermost.getMessage();
        return message == null
                ? innermost.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }
}
