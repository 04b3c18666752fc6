package dev.posthaste.reliability.simulation;

import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.RowStore;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;

/** Others who use the tables, and never fail: other programs, and an operator without a console. */
final class Outsiders {
    private static final long MAX_LOCK_NANOS = 2_000_000_000L;

    private final Surroundings around;
    private final Node operator = new Node(Node.Role.OPERATOR, "world", 0);
    private final Node other = new Node(Node.Role.OPERATOR, "outsider", 0);

    Outsiders(Surroundings around) {
        this.around = around;
    }

    /** Another program locks a row for a while. */
    void lockARow(boolean calm) {
        List<Long> rows = around.truth.fates().open();
        if (calm || rows.isEmpty()) {
            return;
        }
        long row = rows.get(around.random.nextInt(rows.size()));
        OutboxTable table = around.configuration.table();
        try {
            Connection connection = around.dataSource(other).getConnection();
            connection.setAutoCommit(false);
            try (PreparedStatement lock = connection.prepareStatement(
                    "select %1$s from %2$s where %1$s = ? and %3$s = %4$s for update skip locked"
                            .formatted(
                                    table.layout().column(Column.ID),
                                    table.name(),
                                    table.layout().column(Column.STATUS),
                                    table.literal(Status.PENDING)))) {
                lock.setLong(1, row);
                lock.executeQuery();
            }
            around.schedule.happened("row %d is locked", row);
            around.schedule.in(around.random.nextLong(MAX_LOCK_NANOS), other, new Object(), () -> close(connection));
        } catch (SQLException e) {
            throw new IllegalStateException("no faults happen to this node", e);
        }
    }

    private static void close(Connection connection) {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new IllegalStateException("no faults happen to this node", e);
        }
    }

    void deleteTheLease() {
        try (Connection connection = around.dataSource(operator).getConnection();
                PreparedStatement delete = connection.prepareStatement("delete from posthaste_lease")) {
            delete.executeUpdate();
        } catch (SQLException e) {
            // a relay is settling right now
        }
    }

    void requeueTheDead() {
        List<Long> dead = around.truth.fates().dead();
        if (!dead.isEmpty()) {
            try {
                new RowStore(around.dataSource(operator), Dialect.POSTGRESQL, around.configuration.outbox())
                        .requeue(dead);
            } catch (StoreException e) {
                // tried again later
            }
        }
    }
}
