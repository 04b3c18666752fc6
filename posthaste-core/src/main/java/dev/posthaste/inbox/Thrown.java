package dev.posthaste.inbox;

/** The texts of throwables, some of which fail when they are asked. */
final class Thrown {
    private Thrown() {}

    /** Its class and its message. */
    static String text(Throwable thrown) {
        try {
            return String.valueOf(thrown);
        } catch (Throwable e) {
            return thrown.getClass().getName();
        }
    }

    /** Its message, or its class if it has none. */
    static String message(Throwable thrown) {
        try {
            String message = thrown.getMessage();
            return message == null ? thrown.getClass().getSimpleName() : message;
        } catch (Throwable e) {
            return thrown.getClass().getSimpleName();
        }
    }
}
