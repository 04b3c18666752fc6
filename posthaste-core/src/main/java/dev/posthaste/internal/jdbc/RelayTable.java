package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.LeaseTable.Candidate;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Which relays are ready to serve which outboxes: the table {@code posthaste_relay}. All times are the database's. Thread-safe.
 */
final class RelayTable {
    private static final Duration KEEP = Duration.ofHours(1);

    private final JdbcTransactions transactions;
    private final LeaseSchema schema;

    RelayTable(JdbcTransactions transactions, LeaseSchema schema) {
        this.transactions = transactions;
        this.schema = schema;
    }

    private String sql(String template) {
        return schema.text(template);
    }

    /** Those that have announced themselves within the last hour. */
    List<Candidate> candidates() {
        return transactions.query("read relays", connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql("""
                            select relay, outbox, {nanosUntil:expires_at} as nanos_left, definition, expires_at
                            from {schema}posthaste_relay order by relay
                            """));
                    ResultSet rows = statement.executeQuery()) {
                List<Candidate> candidates = new ArrayList<>();
                while (rows.next()) {
                    candidates.add(new Candidate(
                            rows.getString("relay"),
                            rows.getString("outbox"),
                            rows.getLong("nanos_left") > 0,
                            rows.getString("definition"),
                            String.valueOf(rows.getString("expires_at"))));
                }
                return candidates;
            }
        });
    }

    /** The relays that are alive and serve the outbox. */
    List<String> alive(Connection connection, String outbox) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql("""
                select relay from {schema}posthaste_relay where outbox = ? and expires_at > {now} order by relay
                """))) {
            statement.setString(1, outbox);
            List<String> relays = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    relays.add(rows.getString("relay"));
                }
            }
            return relays;
        }
    }

    /** @see LeaseTable#announce */
    void announce(String relay, Map<String, String> outboxes, Duration ttl) {
        transactions.transaction("announce relay " + relay, connection -> {
            for (Map.Entry<String, String> each : outboxes.entrySet()) {
                if (update(connection, relay, each.getKey(), each.getValue(), ttl) == 0) {
                    insert(connection, relay, each.getKey(), each.getValue(), ttl);
                }
            }
            return true;
        });
    }

    private int update(Connection connection, String relay, String outbox, String definition, Duration ttl)
            throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql("""
                update {schema}posthaste_relay set definition = ?, expires_at = {fromNow}
                where relay = ? and outbox = ?
                """))) {
            update.setString(1, definition);
            update.setLong(2, ttl.toNanos() / 1000);
            update.setString(3, relay);
            update.setString(4, outbox);
            return update.executeUpdate();
        }
    }

    private void insert(Connection connection, String relay, String outbox, String definition, Duration ttl)
            throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(sql("""
                insert into {schema}posthaste_relay (relay, outbox, definition, expires_at)
                values (?, ?, ?, {fromNow})
                """))) {
            insert.setString(1, relay);
            insert.setString(2, outbox);
            insert.setString(3, definition);
            insert.setLong(4, ttl.toNanos() / 1000);
            insert.executeUpdate();
        }
    }

    /** Forgets those that have been silent for an hour. */
    int forgetSilent() {
        return transactions.update("forget silent relays", connection -> {
            try (PreparedStatement delete = connection.prepareStatement(
                    sql("delete from {schema}posthaste_relay where expires_at < {fromNow}"))) {
                delete.setLong(1, -KEEP.toNanos() / 1000);
                return delete.executeUpdate();
            }
        });
    }

    /** @see LeaseTable#withdraw */
    void withdraw(String relay) {
        transactions.update("withdraw relay " + relay, connection -> {
            try (PreparedStatement update = connection.prepareStatement(
                    sql("update {schema}posthaste_relay set expires_at = {now} where relay = ?"))) {
                update.setString(1, relay);
                return update.executeUpdate();
            }
        });
    }
}
