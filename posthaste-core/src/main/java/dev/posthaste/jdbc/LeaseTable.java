package dev.posthaste.jdbc;

import dev.posthaste.Names;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.journal.Claim;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Who owns which outbox, and which relays stand ready: the tables {@code posthaste_lease} and {@code posthaste_relay}.
 * All times are the database's. Thread-safe.
 */
public final class LeaseTable {
    private static final String AFTER_DEAD = ", after dead: ";

    private final Transactions transactions;
    private final Dialect dialect;
    private final String prefix;

    public LeaseTable(DataSource dataSource, Dialect dialect) {
        this(dataSource, dialect, null);
    }

    /** @param schema where the tables are, on MySQL and MariaDB a database; null for the connection's own */
    public LeaseTable(DataSource dataSource, Dialect dialect, @Nullable String schema) {
        this.transactions = new Transactions(dataSource, dialect);
        this.dialect = dialect;
        this.prefix = schema == null ? "" : dialect.quoteTable(Names.requireTable(schema)) + ".";
    }

    private String sql(String template) {
        return dialect.sql(template.replace("posthaste_", prefix + "posthaste_"));
    }

    /**
     * A lease as the row says.
     *
     * @param owner who holds it, or the empty string
     * @param live whether it has not expired, by the database's clock
     * @param paused whether an operator wants nobody to hold it
     * @param expiresAt when it expires, as the database writes it; good for nothing but comparing
     */
    public record Row(String outbox, String owner, long epoch, boolean live, boolean paused, String expiresAt) {
        public boolean free() {
            return !live || owner.isEmpty();
        }

        /** The same, as if it had expired. */
        public Row expired() {
            return new Row(outbox, owner, epoch, false, paused, expiresAt);
        }
    }

    /**
     * What an outbox is to a relay, in words that relays and operators compare.
     *
     * @param afterDead what follows a death there; null where that is not known
     */
    public static String definition(OutboxDefinition outbox, @Nullable String afterDead) {
        return "tracked: " + outbox.tracked() + (afterDead == null ? "" : AFTER_DEAD + afterDead) + ", layout: "
                + outbox.table().fingerprint();
    }

    /** A definition without what follows a death. */
    static String withoutAfterDead(String definition) {
        return definition.replaceFirst(AFTER_DEAD + "\\w+", "");
    }

    /**
     * A relay that serves an outbox, or did within the last hour.
     *
     * @param live whether it is alive, by the database's clock
     * @param definition what the outbox is to it; null if its version of Posthaste does not say
     * @param expiresAt until when it counts as alive, as the database writes it; good for nothing but comparing
     */
    public record Candidate(
            String relay,
            String outbox,
            boolean live,
            @Nullable String definition,
            String expiresAt) {}

    public List<Row> leases() {
        return transactions.statement("read leases", connection -> {
            try (PreparedStatement statement = connection.prepareStatement(
                            sql(
                                    "select outbox, owner, epoch, {nanosUntil:expires_at}, paused_by, expires_at from posthaste_lease"));
                    ResultSet rows = statement.executeQuery()) {
                List<Row> leases = new ArrayList<>();
                while (rows.next()) {
                    leases.add(new Row(
                            rows.getString(1),
                            rows.getString(2),
                            rows.getLong(3),
                            rows.getLong(4) > 0,
                            rows.getString(5) != null,
                            String.valueOf(rows.getString(6))));
                }
                return leases;
            }
        });
    }

    /** The relays that have announced themselves within the last hour. */
    public List<Candidate> candidates() {
        return transactions.statement("read relays", connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql(
                            "select relay, outbox, {nanosUntil:expires_at}, definition, expires_at from posthaste_relay"
                                    + " order by relay"));
                    ResultSet rows = statement.executeQuery()) {
                List<Candidate> candidates = new ArrayList<>();
                while (rows.next()) {
                    candidates.add(new Candidate(
                            rows.getString(1),
                            rows.getString(2),
                            rows.getLong(3) > 0,
                            rows.getString(4),
                            String.valueOf(rows.getString(5))));
                }
                return candidates;
            }
        });
    }

    /**
     * Says that {@code relay} is alive for another {@code ttl}.
     *
     * @param outboxes those that it serves, each with what it is to this relay
     */
    public void announce(String relay, Map<String, String> outboxes, Duration ttl) {
        transactions.transaction("announce relay " + relay, connection -> {
            for (Map.Entry<String, String> each : outboxes.entrySet()) {
                if (updateAnnouncement(connection, relay, each.getKey(), each.getValue(), ttl) == 0) {
                    try (PreparedStatement insert = connection.prepareStatement(
                            sql(
                                    "insert into posthaste_relay (relay, outbox, definition, expires_at) values (?, ?, ?, {fromNow})"))) {
                        insert.setString(1, relay);
                        insert.setString(2, each.getKey());
                        insert.setString(3, each.getValue());
                        insert.setLong(4, ttl.toNanos() / 1000);
                        insert.executeUpdate();
                    }
                }
            }
            return true;
        });
    }

    private int updateAnnouncement(Connection connection, String relay, String outbox, String definition, Duration ttl)
            throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql(
                "update posthaste_relay set definition = ?, expires_at = {fromNow} where relay = ? and outbox = ?"))) {
            update.setString(1, definition);
            update.setLong(2, ttl.toNanos() / 1000);
            update.setString(3, relay);
            update.setString(4, outbox);
            return update.executeUpdate();
        }
    }

    /** Forgets relays that have been silent for an hour. */
    public int forgetSilent() {
        return transactions.statement("forget silent relays", connection -> {
            try (PreparedStatement delete =
                    connection.prepareStatement(sql("delete from posthaste_relay where expires_at < {fromNow}"))) {
                delete.setLong(1, -Duration.ofHours(1).toNanos() / 1000);
                return delete.executeUpdate();
            }
        });
    }

    /** Says that {@code relay} is gone. What the outboxes were to it stays known for an hour. */
    public void withdraw(String relay) {
        transactions.statement("withdraw relay " + relay, connection -> {
            try (PreparedStatement update =
                    connection.prepareStatement(sql("update posthaste_relay set expires_at = {now} where relay = ?"))) {
                update.setString(1, relay);
                return update.executeUpdate();
            }
        });
    }

    /**
     * Takes a lease that is free or expired, as one compare-and-set.
     *
     * @param seen the row as it was read, or null if there was none
     * @return the new claim, or null if somebody else was faster
     */
    public @Nullable Claim take(String outbox, String owner, @Nullable Row seen, Duration ttl) {
        long epoch = seen == null ? 1 : seen.epoch() + 1;
        int taken = transactions.statement(
                "take the lease of outbox " + outbox,
                connection -> seen == null
                        ? insert(connection, outbox, owner, ttl)
                        : replace(connection, outbox, owner, seen, ttl));
        return taken == 1 ? new Claim(outbox, owner, epoch) : null;
    }

    private int insert(Connection connection, String outbox, String owner, Duration ttl) throws SQLException {
        String insert = "insert into posthaste_lease (outbox, owner, epoch, expires_at) values (?, ?, 1, {fromNow})";
        try (PreparedStatement statement = connection.prepareStatement(dialect.ignoringDuplicates(sql(insert)))) {
            statement.setString(1, outbox);
            statement.setString(2, owner);
            statement.setLong(3, ttl.toNanos() / 1000);
            return statement.executeUpdate();
        } catch (SQLException e) {
            if (dialect.isDuplicate(e)) {
                return 0;
            }
            throw e;
        }
    }

    private int replace(Connection connection, String outbox, String owner, Row seen, Duration ttl)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql("""
                update posthaste_lease set owner = ?, epoch = ?, expires_at = {fromNow}
                where outbox = ? and owner = ? and epoch = ? and (owner = '' or expires_at <= {now})
                """))) {
            statement.setString(1, owner);
            statement.setLong(2, seen.epoch() + 1);
            statement.setLong(3, ttl.toNanos() / 1000);
            statement.setString(4, outbox);
            statement.setString(5, seen.owner());
            statement.setLong(6, seen.epoch());
            return statement.executeUpdate();
        }
    }

    /**
     * Takes a lease that has not expired by the database's clock, but that its owner has not renewed for many times its
     * length: the clock was set back since.
     *
     * @return the new claim, or null if the row has changed
     */
    public @Nullable Claim takeStale(String outbox, String owner, Row seen, Duration ttl) {
        int taken = transactions.statement("take the stale lease of outbox " + outbox, connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql("""
                    update posthaste_lease set owner = ?, epoch = ?, expires_at = {fromNow}
                    where outbox = ? and owner = ? and epoch = ?
                    """))) {
                statement.setString(1, owner);
                statement.setLong(2, seen.epoch() + 1);
                statement.setLong(3, ttl.toNanos() / 1000);
                statement.setString(4, outbox);
                statement.setString(5, seen.owner());
                statement.setLong(6, seen.epoch());
                return statement.executeUpdate();
            }
        });
        return taken == 1 ? new Claim(outbox, owner, seen.epoch() + 1) : null;
    }

    /** @return whether the claim was still good, and now is for another {@code ttl} */
    public boolean renew(Claim claim, Duration ttl) {
        return transactions.statement("renew the lease of outbox " + claim.outbox(), connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql("""
                    update posthaste_lease set expires_at = {fromNow}
                    where outbox = ? and owner = ? and epoch = ?
                    """))) {
                statement.setLong(1, ttl.toNanos() / 1000);
                bind(statement, 2, claim);
                return statement.executeUpdate() == 1;
            }
        });
    }

    /** Gives a lease back at once, for anybody to take; nothing happens if the claim is not good any more. */
    public void release(Claim claim) {
        transactions.statement("release the lease of outbox " + claim.outbox(), connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql("""
                    update posthaste_lease set owner = '', expires_at = {now}
                    where outbox = ? and owner = ? and epoch = ?
                    """))) {
                bind(statement, 1, claim);
                return statement.executeUpdate();
            }
        });
    }

    /** What operators see of an outbox's lease. */
    LeaseState state(Connection connection, String outbox) throws SQLException {
        List<String> relays = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(
                sql("select relay from posthaste_relay where outbox = ? and expires_at > {now} order by relay"))) {
            statement.setString(1, outbox);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    relays.add(rows.getString(1));
                }
            }
        }
        try (PreparedStatement statement = connection.prepareStatement(
                sql("select owner, epoch, {nanosUntil:expires_at}, paused_by from posthaste_lease where outbox = ?"))) {
            statement.setString(1, outbox);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return new LeaseState(outbox, null, 0, Duration.ZERO, null, relays);
                }
                boolean held = row.getLong(3) > 0 && !row.getString(1).isEmpty();
                return new LeaseState(
                        outbox,
                        held ? row.getString(1) : null,
                        row.getLong(2),
                        held ? Duration.ofNanos(row.getLong(3)) : Duration.ZERO,
                        row.getString(4),
                        relays);
            }
        }
    }

    /**
     * Says that nobody is to hold the lease, or that somebody may again.
     *
     * @param by who wants it; null to go on
     * @return false if it was so before
     */
    boolean pause(Connection connection, String outbox, @Nullable String by) throws SQLException {
        return mark(connection, outbox, by)
                || (by != null && (insertPaused(connection, outbox, by) || mark(connection, outbox, by)));
    }

    private boolean mark(Connection connection, String outbox, @Nullable String by) throws SQLException {
        String update = "update posthaste_lease set paused_by = ? where outbox = ? and paused_by is "
                + (by == null ? "not null" : "null");
        try (PreparedStatement statement = connection.prepareStatement(sql(update))) {
            statement.setString(1, by);
            statement.setString(2, outbox);
            return statement.executeUpdate() == 1;
        }
    }

    /** For an outbox that no relay has held yet. */
    private boolean insertPaused(Connection connection, String outbox, String by) throws SQLException {
        String insert = "insert into posthaste_lease (outbox, owner, epoch, expires_at, paused_by)"
                + " values (?, '', 0, {now}, ?)";
        try (PreparedStatement statement = connection.prepareStatement(dialect.ignoringDuplicates(sql(insert)))) {
            statement.setString(1, outbox);
            statement.setString(2, by);
            return statement.executeUpdate() == 1;
        } catch (SQLException e) {
            if (dialect.isDuplicate(e)) {
                return false;
            }
            throw e;
        }
    }

    /** Whether the claim is good, and stays so until this transaction ends. */
    boolean holds(Connection connection, Claim claim) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                sql("select epoch from posthaste_lease where outbox = ? and owner = ? and epoch = ? {share}"))) {
            bind(statement, 1, claim);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next();
            }
        }
    }

    private static void bind(PreparedStatement statement, int from, Claim claim) throws SQLException {
        statement.setString(from, claim.outbox());
        statement.setString(from + 1, claim.owner());
        statement.setLong(from + 2, claim.epoch());
    }
}
