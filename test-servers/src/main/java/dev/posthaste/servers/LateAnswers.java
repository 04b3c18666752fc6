package dev.posthaste.servers;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Forwards a connection's server responses in order, each delayed by the same time. For one reading thread. */
final class LateAnswers implements AutoCloseable {
    private final BlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
    private final AtomicInteger late = new AtomicInteger();
    private final OutputStream out;
    private final Thread writer = new Thread(this::write, "proxy-late-answers");

    private record Piece(byte[] bytes, long due) {}

    LateAnswers(OutputStream out) {
        this.out = out;
        writer.setDaemon(true);
    }

    /** Whether something is still to be forwarded, so that nothing may be written past it. */
    boolean isBehind() {
        return late.get() > 0;
    }

    void add(byte[] buffer, int length, int delayMillis) {
        if (writer.getState() == Thread.State.NEW) {
            writer.start();
        }
        late.incrementAndGet();
        pieces.add(new Piece(
                Arrays.copyOf(buffer, length), System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(delayMillis)));
    }

    private void write() {
        try {
            while (true) {
                Piece piece = pieces.take();
                TimeUnit.NANOSECONDS.sleep(piece.due() - System.nanoTime());
                out.write(piece.bytes());
                out.flush();
                late.decrementAndGet();
            }
        } catch (IOException | InterruptedException e) {
            // the connection is gone, and its reader notices too
        }
    }

    @Override
    public void close() {
        writer.interrupt();
    }
}
