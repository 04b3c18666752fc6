package dev.posthaste.servers;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A TCP proxy that can disturb traffic: drop responses, hold, delay or throttle it, and reset connections. Listens on a
 * free port of the loopback address. Thread-safe.
 */
public final class Proxy implements AutoCloseable {
    private static final int LOOK_MILLIS = 5;

    private final ServerSocket server;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile int target;
    private volatile boolean cuttingAnswers;
    private volatile boolean holdingRequests;
    private volatile boolean holdingAnswers;
    private volatile int delayMillis;
    private volatile int answerDelayMillis;
    private volatile int bytesPerSecond;

    /** @param target a port of the loopback address */
    public Proxy(int target) {
        this();
        this.target = target;
    }

    /** The target is set later. */
    public Proxy() {
        try {
            this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        thread(this::accept);
    }

    public Proxy to(int port) {
        target = port;
        return this;
    }

    public int port() {
        return server.getLocalPort();
    }

    /** From now on, requests still reach the server, but a connection is cut when the response arrives. */
    public void cutAnswers(boolean cutting) {
        cuttingAnswers = cutting;
    }

    /**
     * From now on nothing passes to the server, or to the clients, without any error. What was held passes afterwards.
     */
    public void hold(boolean requests, boolean answers) {
        holdingRequests = requests;
        holdingAnswers = answers;
    }

    /** From now on everything is delayed by this time and limited to this rate; 0 for no limit. */
    public void slow(int delayMillis, int bytesPerSecond) {
        this.delayMillis = delayMillis;
        this.bytesPerSecond = bytesPerSecond;
    }

    /**
     * From now on each response reaches its client this many milliseconds after the server sent it, without limiting
     * the rate.
     */
    public void delayAnswers(int millis) {
        answerDelayMillis = millis;
    }

    /** Resets every connection that is open now. */
    public void reset() {
        for (Socket socket : sockets) {
            try {
                socket.setSoLinger(true, 0);
                socket.close();
            } catch (IOException e) {
                // it was closed meanwhile
            }
        }
    }

    /** Lets everything pass again. */
    public void heal() {
        cutAnswers(false);
        hold(false, false);
        slow(0, 0);
        delayAnswers(0);
    }

    private void accept() {
        while (!server.isClosed()) {
            Socket client = null;
            try {
                client = server.accept();
                Socket remote = new Socket();
                remote.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target), 2_000);
                client.setTcpNoDelay(true);
                remote.setTcpNoDelay(true);
                sockets.add(client);
                sockets.add(remote);
                Socket from = client;
                thread(() -> copy(from, remote, false));
                thread(() -> copy(remote, from, true));
            } catch (IOException e) {
                close(client); // the server cannot be reached, or this proxy is closed
            }
        }
    }

    private static void close(@org.jspecify.annotations.Nullable Socket socket) {
        try {
            if (socket != null) {
                socket.close();
            }
        } catch (IOException e) {
            // it was closed meanwhile
        }
    }

    private void copy(Socket from, Socket to, boolean answers) {
        byte[] buffer = new byte[65_536];
        try (from;
                to;
                OutputStream out = to.getOutputStream();
                LateAnswers late = new LateAnswers(out)) {
            InputStream in = from.getInputStream();
            int length = in.read(buffer);
            while (length >= 0) {
                if (answers && cuttingAnswers) {
                    return;
                }
                spoil(from, length, answers);
                int delay = answers ? answerDelayMillis : 0;
                if (delay > 0 || late.isBehind()) {
                    late.add(buffer, length, delay);
                } else {
                    out.write(buffer, 0, length);
                    out.flush();
                }
                length = in.read(buffer, 0, bytesPerSecond == 0 ? buffer.length : Math.min(buffer.length, 1024));
            }
        } catch (IOException | InterruptedException e) {
            // one side is gone, so the other is closed too
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    private void spoil(Socket from, int length, boolean answers) throws InterruptedException {
        int delay = delayMillis;
        int rate = bytesPerSecond;
        if (delay > 0) {
            Thread.sleep(delay);
        }
        if (rate > 0) {
            Thread.sleep(1000L * length / rate);
        }
        while ((answers ? holdingAnswers : holdingRequests) && !from.isClosed()) {
            Thread.sleep(LOOK_MILLIS);
        }
    }

    private static void thread(Runnable work) {
        Thread thread = new Thread(work, "proxy");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        sockets.forEach(Proxy::close);
    }
}
