package dev.posthaste.servers;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A TCP proxy that can spoil what passes: swallow answers, cut connections. Listens on a free port. Thread-safe. */
public final class Proxy implements AutoCloseable {
    private final ServerSocket server;
    private final int target;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile boolean cuttingAnswers;

    /** @param target a port of the loopback address */
    public Proxy(int target) {
        this.target = target;
        try {
            this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        thread(this::accept);
    }

    public int port() {
        return server.getLocalPort();
    }

    /** From now on, requests still reach the server, and a connection is cut when its answer comes. */
    public void cutAnswers(boolean cutting) {
        cuttingAnswers = cutting;
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                Socket remote = new Socket(InetAddress.getLoopbackAddress(), target);
                sockets.add(client);
                sockets.add(remote);
                thread(() -> copy(client, remote, false));
                thread(() -> copy(remote, client, true));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void copy(Socket from, Socket to, boolean answers) {
        byte[] buffer = new byte[65_536];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                if (answers && cuttingAnswers) {
                    return;
                }
                out.write(buffer, 0, length);
                out.flush();
            }
        } catch (IOException e) {
            // one side is gone, so the other goes too
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
            for (Closeable socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
