package dev.posthaste.rabbitmq;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A proxy between a client and RabbitMQ. It can delay answers, each by the same time, and close a connection as
 * RabbitMQ does for a malformed frame when a given string passes.
 */
final class AnswerProxy implements AutoCloseable {
    private final ServerSocket listening;
    private final int target;
    private volatile long delayMillis;
    private volatile boolean droppingConfirms;
    private volatile int onlyChannel;
    private volatile String closingAt = "";
    final AtomicInteger connections = new AtomicInteger();
    /** How often RabbitMQ closed a channel because of a missing exchange. */
    final AtomicInteger missing = new AtomicInteger();

    private record Answer(byte[] bytes, long at) {}

    AnswerProxy(int target) throws IOException {
        this.target = target;
        this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        thread(this::accept);
    }

    String uri() {
        return "amqp://guest:guest@127.0.0.1:" + listening.getLocalPort();
    }

    void delayAnswers(long millis) {
        delayMillis = millis;
    }

    /** Drops confirms while this is set. */
    void dropConfirms(boolean dropping) {
        droppingConfirms = dropping;
    }

    /** Drops the confirms of all channels except one; 0 for none. */
    void dropConfirmsExceptOf(int channel) {
        onlyChannel = channel;
    }

    private boolean isDropped(byte[] frame) {
        boolean confirm = frame[0] == 1 && frame[8] == 60 && frame[10] == 80; // basic.ack
        return confirm && (droppingConfirms || (onlyChannel != 0 && frame[2] != onlyChannel));
    }

    /** From now on, a connection over which this string passes is closed with code 501. */
    void closeAt(String text) {
        closingAt = text;
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listening.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                connections.incrementAndGet();
                LinkedBlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
                thread(() -> requests(client, server, answers));
                thread(() -> read(server, client, answers));
                thread(() -> write(client, answers));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void requests(Socket client, Socket server, LinkedBlockingQueue<Answer> answers) {
        byte[] buffer = new byte[65_536];
        try (client;
                server) {
            InputStream in = client.getInputStream();
            OutputStream out = server.getOutputStream();
            for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                String text = new String(buffer, 0, length, StandardCharsets.ISO_8859_1);
                if (!closingAt.isEmpty() && text.contains(closingAt)) {
                    answers.add(new Answer(connectionClose(), System.nanoTime()));
                    while (in.read(buffer) >= 0) {
                        // what comes after the close is ignored
                    }
                    return;
                }
                out.write(buffer, 0, length);
            }
        } catch (IOException e) {
            // one side is gone
        }
    }

    private static byte[] connectionClose() throws IOException {
        ByteArrayOutputStream method = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(method);
        byte[] text = "FRAME_ERROR - planned".getBytes(StandardCharsets.US_ASCII);
        out.writeShort(10);
        out.writeShort(50);
        out.writeShort(501);
        out.writeByte(text.length);
        out.write(text);
        out.writeShort(60);
        out.writeShort(40);
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        DataOutputStream framed = new DataOutputStream(frame);
        framed.writeByte(1);
        framed.writeShort(0);
        framed.writeInt(method.size());
        method.writeTo(framed);
        framed.writeByte(0xCE);
        return frame.toByteArray();
    }

    /** Reads frame by frame: type, channel, size, payload, end. */
    private void read(Socket server, Socket client, LinkedBlockingQueue<Answer> answers) {
        try (client;
                server) {
            DataInputStream in = new DataInputStream(new BufferedInputStream(server.getInputStream()));
            while (true) {
                byte[] header = in.readNBytes(7);
                if (header.length < 7) {
                    return;
                }
                int size = ByteBuffer.wrap(header).getInt(3);
                byte[] frame = Arrays.copyOf(header, 7 + size + 1);
                in.readFully(frame, 7, size + 1);
                if (new String(frame, StandardCharsets.ISO_8859_1).contains("NOT_FOUND")) {
                    missing.incrementAndGet();
                }
                if (!isDropped(frame)) {
                    answers.add(new Answer(frame, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(delayMillis)));
                }
            }
        } catch (IOException e) {
            // one side is gone
        }
    }

    private static void write(Socket client, LinkedBlockingQueue<Answer> answers) {
        try {
            while (!client.isClosed()) {
                Answer next = answers.poll(100, TimeUnit.MILLISECONDS);
                if (next != null) {
                    TimeUnit.NANOSECONDS.sleep(next.at() - System.nanoTime());
                    client.getOutputStream().write(next.bytes());
                }
            }
        } catch (IOException | InterruptedException e) {
            // one side is gone
        }
    }

    private static void thread(Runnable work) {
        Thread thread = new Thread(work, "answer-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
