package dev.posthaste.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Ports of the loopback address. */
public final class Ports {
    private Ports() {}

    /** A port that was free a moment ago. */
    public static int free() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static boolean listening(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 500);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * @throws IllegalStateException if nothing listens there in time, or the process has ended; includes the last lines
     * of its log
     */
    static void awaitListening(String what, int port, Duration most, Process process, Path home) {
        try {
            awaitListening(what, port, most, process::isAlive);
        } catch (IllegalStateException e) {
            throw new IllegalStateException(e.getMessage() + ": " + lastWords(home.resolve("out.log")), e);
        }
    }

    private static String lastWords(Path log) {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
        } catch (IOException e) {
            return "no log";
        }
    }

    /** @throws IllegalStateException if nothing listens there in time */
    public static void awaitListening(String what, int port, Duration most) {
        awaitListening(what, port, most, () -> true);
    }

    private static void awaitListening(String what, int port, Duration most, BooleanSupplier alive) {
        long end = System.nanoTime() + most.toNanos();
        while (!listening(port)) {
            if (!alive.getAsBoolean()) {
                throw new IllegalStateException(what + " ended before it listened on port " + port);
            }
            if (System.nanoTime() - end > 0) {
                throw new IllegalStateException(what + " did not listen on port " + port + " within " + most);
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for " + what, e);
            }
        }
    }
}
