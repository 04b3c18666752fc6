package dev.posthaste.reliability.torture;

import dev.posthaste.servers.Processes;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ThreadLocalRandom;

/** Makes this process's handlers and listeners misbehave as the current {@link Mood} says. Thread-safe. */
final class Moods {
    private static final long LOOK_MILLIS = 250;

    private final Path home;
    private volatile Mood mood = Mood.CALM;

    Moods(Path home) {
        this.home = home;
        Thread looking = new Thread(this::look, "mood");
        looking.setDaemon(true);
        looking.start();
    }

    private void look() {
        try {
            while (true) {
                mood = Mood.read(home);
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Before a handler's effect. */
    void beforeEffect() throws InterruptedException {
        Mood now = mood;
        switch (now.kind()) {
            case FAILING -> throwAtTimes(now, false);
            case ERRING -> throwAtTimes(now, true);
            case SLOW -> Thread.sleep(ThreadLocalRandom.current().nextLong((long) now.strength()));
            default -> {}
        }
    }

    /** Between a handler's effect and the commit. */
    void afterEffect(Connection connection) throws IOException {
        Mood now = mood;
        if (now.kind() == Mood.Kind.SWALLOWING && isUnlucky(now)) {
            swallowADeadlock(connection);
        } else if (now.kind() == Mood.Kind.STOPPING) {
            stop(now);
        }
    }

    /** In a listener. */
    void listen() {
        Mood now = mood;
        if (now.kind() == Mood.Kind.LISTENERS) {
            throwAtTimes(now, ThreadLocalRandom.current().nextBoolean());
        }
    }

    private static boolean isUnlucky(Mood mood) {
        return ThreadLocalRandom.current().nextDouble() < mood.strength();
    }

    private static void throwAtTimes(Mood mood, boolean error) {
        if (!isUnlucky(mood)) {
            return;
        }
        if (!error) {
            throw new IllegalStateException("thrown by the campaign");
        }
        throw switch (ThreadLocalRandom.current().nextInt(3)) {
            case 0 -> new StackOverflowError();
            case 1 -> new NoClassDefFoundError("thrown/by/the/Campaign");
            default -> new AssertionError("thrown by the campaign");
        };
    }

    /**
     * Two rows, locked in either order. InnoDB rolls back the whole transaction of a deadlock's victim, with the effect
     * and the inbox's note, and the connection continues in a new one.
     */
    private static void swallowADeadlock(Connection connection) {
        int first = ThreadLocalRandom.current().nextInt(2);
        try (Statement statement = connection.createStatement()) {
            for (int row : new int[] {first, 1 - first}) {
                statement.executeUpdate("update knots set tied = tied + 1 where id = " + row);
            }
        } catch (SQLException e) {
            // like a handler that ignores the error
        }
    }

    private void stop(Mood now) throws IOException {
        String pid = Long.toString(ProcessHandle.current().pid());
        try {
            Files.writeString(now.stopped(home), pid, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
            return; // another handler stops
        }
        Processes.signal("STOP", ProcessHandle.current().pid());
    }
}
