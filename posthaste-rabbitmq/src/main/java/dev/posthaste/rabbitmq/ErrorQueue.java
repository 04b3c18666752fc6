package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ShutdownSignalException;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.MessageHeaders;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes the messages that a queue's consumer gives up to its error queue: as they came, persistent, and with headers
 * that say why. If the server refuses a message's size or form, more and more of it is left out, finally the body.
 *
 * <p>Uses its own connection: the server blocks publishing connections when it is short of memory, and closes them for
 * anything it does not understand, while the queue's messages must still be acknowledged. Blocks. Thread-safe.
 */
final class ErrorQueue implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(RabbitSubscription.class);
    private static final int BRIEF_REASON = 100;
    private static final int PRECONDITION_FAILED = 406;
    /** Frame, syntax, command and channel errors: the server does not understand what was sent. */
    private static final Set<Integer> NOT_UNDERSTOOD = Set.of(501, 502, 503, 504, 505);

    private final RabbitSettings settings;
    private final String queue;
    private final AtomicInteger publishing = new AtomicInteger();
    private @Nullable Connection connection; // guarded by this
    private @Nullable ConnectionSocket socket; // guarded by this
    private boolean closed; // guarded by this

    /** @param queue whose error queue it is */
    ErrorQueue(RabbitSettings settings, String queue) {
        this.settings = settings;
        this.queue = queue;
    }

    private record Form(AMQP.BasicProperties properties, byte[] body, String missing) {}

    /** @throws Exception if the server has not accepted it; to be tried again */
    void publish(AMQP.BasicProperties came, byte[] body, Failure failure) throws Exception {
        Map<String, String> why = failure.headers(queue);
        Map<String, String> withoutStack = new LinkedHashMap<>(why);
        withoutStack.remove(MessageHeaders.ERROR_STACK);
        Map<String, String> brief = new LinkedHashMap<>(withoutStack);
        brief.computeIfPresent(
                MessageHeaders.ERROR, (name, reason) -> reason.substring(0, Math.min(reason.length(), BRIEF_REASON)));
        Map<String, String> bodiless = new LinkedHashMap<>(brief);
        bodiless.put(MessageHeaders.ERROR_BODY, "left out: the server does not accept its " + body.length + " bytes");
        List<Form> forms = List.of(
                new Form(RabbitMessages.deadLetter(came, why), body, "nothing"),
                new Form(RabbitMessages.deadLetter(came, withoutStack), body, "its stack"),
                new Form(RabbitMessages.deadLetter(came, brief), body, "its stack and most of its reason"),
                new Form(RabbitMessages.bareDeadLetter(came, brief), body, "its headers"),
                new Form(RabbitMessages.bareDeadLetter(came, bodiless), new byte[0], "its headers and its body"));
        List<String> refusals = new ArrayList<>();
        publishing.incrementAndGet();
        try {
            for (Form form : forms) {
                String refusal = publish(form);
                if (refusal == null) {
                    if (!refusals.isEmpty()) {
                        log.warn(
                                "A dead letter of queue {} is in its error queue without {}: {}",
                                queue,
                                form.missing(),
                                refusals.get(refusals.size() - 1));
                    }
                    return;
                }
                refusals.add(refusal);
            }
        } finally {
            publishing.decrementAndGet();
        }
        throw new IOException("queue " + RabbitTopology.errorQueue(queue) + " refuses it in every form: " + refusals);
    }

    /** @return null if the server has it, or why it refuses this form */
    private @Nullable String publish(Form form) throws Exception {
        Connection current = connection();
        String defect = RabbitMessages.frameDefect(form.properties(), form.body().length, current.getFrameMax());
        if (defect != null) {
            return defect;
        }
        try {
            publish(current, form);
            return null;
        } catch (IOException | ShutdownSignalException e) {
            String refusal = refusal(e);
            if (refusal == null) {
                throw e;
            }
            return refusal;
        }
    }

    private void publish(Connection current, Form form) throws Exception {
        String errors = RabbitTopology.errorQueue(queue);
        Channel channel = current.createChannel();
        if (channel == null) {
            throw new IOException("the connection has no free channel");
        }
        try {
            boolean[] returned = new boolean[1];
            channel.confirmSelect();
            channel.addReturnListener(each -> returned[0] = true);
            channel.basicPublish("", errors, true, form.properties(), form.body());
            if (!channel.waitForConfirms(settings.confirmTimeout().toMillis())) {
                throw new IOException("RabbitMQ refused it (nack): queue " + errors + " may be full");
            }
            if (returned[0]) {
                throw new IOException("queue " + errors + " does not exist");
            }
        } finally {
            channel.abort();
        }
    }

    /** Why the server refuses this message; null if the failure has another reason. */
    private static @Nullable String refusal(Exception failure) {
        Throwable cause = failure instanceof ShutdownSignalException ? failure : failure.getCause();
        Method reason = cause instanceof ShutdownSignalException signal ? signal.getReason() : null;
        if (reason instanceof AMQP.Channel.Close close && close.getReplyCode() == PRECONDITION_FAILED) {
            return close.getReplyText();
        }
        if (reason instanceof AMQP.Connection.Close close && NOT_UNDERSTOOD.contains(close.getReplyCode())) {
            return close.getReplyText();
        }
        return null;
    }

    private synchronized Connection connection() throws IOException, TimeoutException {
        if (closed) {
            throw new IOException("the subscription is closed");
        }
        Connection current = connection;
        if (current == null || !current.isOpen()) {
            ConnectionFactory factory = settings.connectionFactory();
            socket = ConnectionSocket.of(factory);
            current = factory.newConnection("posthaste-errors-" + queue);
            connection = current;
        }
        return current;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (connection != null && publishing.get() == 0) {
            connection.abort(2_000);
        } else if (socket != null) {
            socket.close(); // abort() would wait for a thread that hangs in a write
        }
    }
}
