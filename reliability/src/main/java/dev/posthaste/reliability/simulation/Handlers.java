package dev.posthaste.reliability.simulation;

import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.reliability.simulation.World.Trait;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;

/** What consumers do with events: insert a row or two for each, if nothing goes wrong. */
final class Handlers {
    private final Surroundings around;
    private final Random random;
    private final World world;

    Handlers(Surroundings around) {
        this.around = around;
        this.random = around.random;
        this.world = around.world;
    }

    /** The number of rows of an effect: several in worlds where part of it may be lost. */
    static int parts(World world) {
        return world.has(Trait.BAD_HANDLERS) || world.has(Trait.WHOLE_ROLLBACKS) ? 2 : 1;
    }

    Handler<String> of(Node node, String consumer) {
        return (payload, context) -> handle(node, consumer, payload, context);
    }

    private void handle(Node node, String consumer, String payload, EventContext context)
            throws SQLException, RejectedEventException {
        around.truth.handling(
                context.eventId(),
                payload,
                Writers.headers(context.eventId(), around.configuration),
                context.message().headers());
        if (around.configuration.handlersFail && !around.calm() && random.nextInt(4) == 0) {
            throw new IllegalStateException("not this time \uD83D\uDE00");
        }
        if (around.configuration.handlersFail && !around.calm() && random.nextInt(40) == 0) {
            throw new RejectedEventException("never");
        }
        if (random.nextInt(20) == 0) {
            around.schedule.letOthersGo(random.nextInt(10)); // a slow handler
        }
        if (world.has(Trait.BAD_HANDLERS) && !around.calm() && random.nextInt(6) == 0) {
            misbehave(context.connection());
        }
        if (world.has(Trait.WHOLE_ROLLBACKS) && !around.calm() && random.nextInt(8) == 0) {
            around.nemesis.deadlock(node);
        }
        for (int part = 1; part <= parts(world); part++) {
            try {
                insertEffect(consumer, context, part);
            } catch (SQLException e) {
                if (!world.has(Trait.BAD_HANDLERS) && !world.has(Trait.WHOLE_ROLLBACKS)) {
                    throw e;
                }
                insertEffect(consumer, context, part); // like a handler that ignores the error
            }
        }
    }

    private void misbehave(Connection connection) throws SQLException {
        switch (random.nextInt(5)) {
            case 0 -> throw new StackOverflowError("a bug in the handler");
            case 1 -> throw new NoClassDefFoundError("a bad deployment");
            case 2 -> connection.commit(); // which the inbox refuses
            case 3 -> connection.rollback();
            default -> {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("rollback");
                }
            }
        }
    }

    private void insertEffect(String consumer, EventContext context, int part) throws SQLException {
        try (PreparedStatement insert = context.connection()
                .prepareStatement("insert into effects (event_id, event_key, consumer, part) values (?, ?, ?, ?)")) {
            insert.setString(1, context.eventId());
            insert.setString(2, context.message().key());
            insert.setString(3, consumer);
            insert.setLong(4, part);
            insert.executeUpdate();
        }
    }
}
