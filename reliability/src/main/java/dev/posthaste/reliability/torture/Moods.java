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

/** What this process's handlers and listeners do in the mood that they are in. Thread-safe. */
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
            throw new IllegalStateException("in a bad mood");
        }
        throw switch (ThreadLocalRandom.current().nextInt(3)) {
            case 0 -> new StackOverflowError();
            case 1 -> new NoClassDefFoundError("in/a/bad/Mood");
            default -> new AssertionError("in a bad mood");
        };
    }

    /**
     * Two rows, locked in either order. InnoDB rolls back the whole transaction of a deadlock's victim, the effect and the
     * inbox's note with it, and the connection carries on in a new one.
     */
    private static void swallowADeadlock(Connection connection) {
        int first = ThreadLocalRandom.current().nextInt(2);
        try (Statement statement = connection.createStatement()) {
            for (int row : new int[] {first, 1 - first}) {
                statement.executeUpdate("update knots set tied = tied + 1 where id = " + row);
            }
        } catch (SQLException e) {
            // as a handler that tries again, or does not care
        }
    }

    private void stop(Mood now) throws IOException {
        String pid = Long.toString(ProcessHandle.current().pid());
        try {
            Files.writeString(now.stopped(home), pid, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
            return; // somebody else is the one
        }
        Processes.signal("STOP", ProcessHandle.current().pid());
    }
}
