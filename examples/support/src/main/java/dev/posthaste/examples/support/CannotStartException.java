package dev.posthaste.examples.support;

/** The example cannot start because of its environment; the message tells the user why. */
public final class CannotStartException extends Exception {
    public CannotStartException(String message, Throwable cause) {
        super(message, cause);
    }

    /** Appends to {@code what} the first line of the innermost cause's message. */
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
