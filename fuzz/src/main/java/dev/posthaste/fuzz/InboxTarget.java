package dev.posthaste.fuzz;

import dev.posthaste.Catalog;
import dev.posthaste.Schema;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.inbox.UnknownTypes;
import dev.posthaste.internal.messages.Digest;
import dev.posthaste.opentelemetry.OpenTelemetryTracing;
import dev.posthaste.servers.Database;
import dev.posthaste.testkit.internal.Attempts;
import io.opentelemetry.api.OpenTelemetry;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Whatever a message contains, an inbox handles it, refuses it, or reports that its handler failed: it never throws,
 * and no content makes it wait for the database. A handled message stays handled.
 */
final class InboxTarget implements Target {
    private static final List<String> TYPES = List.of("order.placed", "text", "tree", "bytes");

    private final FuzzDatabase database;
    private final Map<String, Attempts> inboxes = new LinkedHashMap<>();
    private int effects;

    InboxTarget(Database kind) throws SQLException {
        database = new FuzzDatabase(kind);
        Schema.create(database.dataSource(), Catalog.empty());
        Formats.ALL.forEach((name, format) -> inboxes.put(name, inbox(name, format)));
    }

    record Order(
            String number,
            int amount,
            @Nullable List<Order> parts,
            @Nullable Map<String, Double> prices) {}

    private Attempts inbox(String name, MessageFormat format) {
        return Attempts.of(Inbox.builder(name, database.dataSource())
                .unknownTypes(UnknownTypes.DEAD_LETTER)
                .format(format)
                .tracing(OpenTelemetryTracing.of(OpenTelemetry.noop()))
                .on(
                        "order.placed",
                        Order.class,
                        (order, context) -> handle(order == null ? "" : String.valueOf(order.number()), context))
                .on("text", String.class, this::handle)
                .on("tree", JsonNode.class, (tree, context) -> handle(String.valueOf(tree), context))
                .on("bytes", byte[].class, (bytes, context) -> handle(EnvelopeTarget.text(bytes), context)));
    }

    /** Fails for some, giving what was sent as the reason. */
    private void handle(String text, EventContext context) throws Exception {
        int kind = Math.floorMod(context.message().body().length, 11);
        if (kind == 0) {
            throw new IllegalStateException(text);
        }
        if (kind == 1) {
            throw new RejectedEventException(text);
        }
        effects++;
    }

    @Override
    public String name() {
        return "inbox";
    }

    @Override
    public void close() {
        database.close();
    }

    @Override
    public void run(Dice dice) throws SQLException {
        Map.Entry<String, MessageFormat> format = Formats.draw(dice);
        Message message = message(dice);
        Attempts inbox = java.util.Objects.requireNonNull(inboxes.get(format.getKey()));
        database.execute("delete from posthaste_inbox");
        effects = 0;
        Attempts.Result first = inbox.handle(message);
        requireAnswer(first);
        Attempts.Result second = inbox.handle(message);
        requireAnswer(second);
        if (first instanceof Attempts.Result.Handled) {
            FindingException.unlessEqual("the second time", Attempts.Result.Duplicate.class, second.getClass());
            FindingException.unlessEqual("effects", 1, effects);
        } else {
            FindingException.unlessEqual("effects of an unhandled message", 0, effects);
            FindingException.unlessEqual("the second time", first.getClass(), second.getClass());
        }
    }

    private static Message message(Dice dice) {
        Message message = ForeignMessagesTarget.message(dice);
        Map<String, String> headers = new LinkedHashMap<>(message.headers());
        if (!dice.oneIn(4)) {
            headers.put(MessageHeaders.EVENT_ID, dice.tried("event id", dice.text(64)));
            headers.put(MessageHeaders.EVENT_TYPE, dice.pick(TYPES));
            headers.put(MessageHeaders.OUTBOX, "orders");
        }
        if (!dice.oneIn(6)) {
            headers.remove(MessageHeaders.DIGEST);
        } else if (headers.containsKey(MessageHeaders.EVENT_ID)) {
            headers.put(
                    MessageHeaders.DIGEST,
                    Digest.of(String.valueOf(headers.get(MessageHeaders.EVENT_ID)), message.body()));
        }
        byte[] body = dice.oneIn(2)
                ? dice.tried("body", dice.mutated(Dice.utf8("{\"number\":\"7\",\"amount\":" + dice.number() + "}")))
                : message.body();
        return Message.of("orders", body).key(message.key()).headers(dice.tried("headers", headers));
    }

    private static void requireAnswer(Attempts.Result result) {
        if (result instanceof Attempts.Result.Postponed postponed) {
            throw new FindingException("a message makes its key wait although the database works", postponed.cause());
        }
        if (result instanceof Attempts.Result.Unavailable unavailable) {
            throw new FindingException(
                    "a message makes the inbox treat its database as unavailable", unavailable.cause());
        }
        if (result instanceof Attempts.Result.Failed failed && !(failed.cause() instanceof IllegalStateException)) {
            throw new FindingException("an attempt fails although the handler did not", failed.cause());
        }
    }
}
