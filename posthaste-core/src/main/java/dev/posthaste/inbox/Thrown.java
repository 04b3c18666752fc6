package dev.posthaste.inbox;

/** What throwables say, some of which are of classes that fail to say anything. */
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
