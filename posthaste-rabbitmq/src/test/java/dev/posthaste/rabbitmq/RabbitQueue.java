package dev.posthaste.rabbitmq;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.GetResponse;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.servers.RabbitServer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A test's own exchange and queue, and the queue's contents. */
final class RabbitQueue implements AutoCloseable {
    private static final AtomicInteger NEXT = new AtomicInteger();

    final RabbitServer server = RabbitServer.shared();
    final String exchange = "own" + ProcessHandle.current().pid() + "_" + NEXT.incrementAndGet();
    final String queue = exchange + "_queue";
    final RabbitSettings settings = RabbitSettings.of(server.uri());
    private final Connection connection;
    final Channel channel;

    RabbitQueue() throws Exception {
        connection = settings.connectionFactory().newConnection("test");
        channel = connection.createChannel();
        channel.exchangeDeclare(exchange, "direct", true);
        channel.queueDeclare(queue, true, false, false, Map.of());
        channel.queueBind(queue, exchange, "good");
    }

    Message message(String id) {
        return message(id, "good", Map.of(), new byte[] {'x'});
    }

    Message message(String id, String routingKey, Map<String, String> more, byte[] body) {
        Map<String, String> headers = new HashMap<>(more);
        headers.put(MessageHeaders.EVENT_ID, id);
        return Message.of(exchange, body).routingKey(routingKey).headers(headers);
    }

    /** Publishes and waits for the outcome. */
    static Outcome publish(RabbitBroker broker, Message message) throws Exception {
        return send(broker, message).get(60, TimeUnit.SECONDS);
    }

    static CompletableFuture<Outcome> send(RabbitBroker broker, Message message) {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        broker.publish(message, outcome::complete);
        return outcome;
    }

    /** Empties a queue and returns the ids. */
    List<String> take(String from) throws Exception {
        List<String> ids = new ArrayList<>();
        for (GetResponse got = channel.basicGet(from, true); got != null; got = channel.basicGet(from, true)) {
            ids.add(got.getProps().getMessageId());
        }
        return ids;
    }

    List<String> take() throws Exception {
        return take(queue);
    }

    @Override
    public void close() throws Exception {
        channel.queueDelete(queue);
        channel.exchangeDelete(exchange);
        connection.close();
    }
}
