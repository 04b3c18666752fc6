package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.admin.LeaseRow;
import dev.posthaste.internal.store.Claim;
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
 * Who owns which outbox: the table {@code posthaste_lease}, and with it what {@link RelayTable} knows of the relays that
 * could. All times are the database's. Thread-safe.
 */
public final class LeaseTable {
    private static final String AFTER_DEAD = ", after dead: ";

    private final JdbcTransactions transactions;
    private final Dialect dialect;
    private final LeaseSchema schema;
    private final RelayTable relays;

    public LeaseTable(DataSource dataSource, Dialect dialect) {
        this(dataSource, dialect, null);
    }

    /** @param schema where the tables are, on MySQL and MariaDB a database; null for the connection's own */
    public LeaseTable(DataSource dataSource, Dialect dialect, @Nullable String schema) {
        this.transactions = new JdbcTransactions(dataSource, dialect);
        this.dialect = dialect;
        this.schema = new LeaseSchema(dialect, schema);
        this.relays = new RelayTable(transactions, this.schema);
    }

    private String sql(String template) {
        return schema.text(template);
    }

    /**
     * A lease as the row says.
     *
     * @param owner who holds it, or the empty string
     * @param live whether it has not expired, by the database's clock
     * @param paused whether an operator has paused it, so that no relay holds it
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
                + EventTable.of(outbox).fingerprint();
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
        return transactions.query("read leases", connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql("""
                            select outbox, owner, epoch, {nanosUntil:expires_at} as nanos_left, paused_by, expires_at
                            from {schema}posthaste_lease
                            """));
                    ResultSet rows = statement.executeQuery()) {
                List<Row> leases = new ArrayList<>();
                while (rows.next()) {
                    leases.add(new Row(
                            rows.getString("outbox"),
                            rows.getString("owner"),
                            rows.getLong("epoch"),
                            rows.getLong("nanos_left") > 0,
                            rows.getString("paused_by") != null,
                            String.valueOf(rows.getString("expires_at"))));
                }
                return leases;
            }
        });
    }

    /** The relays that have announced themselves within the last hour. */
    public List<Candidate> candidates() {
        return relays.candidates();
    }

    /**
     * Says that {@code relay} is alive for another {@code ttl}.
     *
     * @param outboxes those that it serves, each with what it is to this relay
     */
    public void announce(String relay, Map<String, String> outboxes, Duration ttl) {
        relays.announce(relay, outboxes, ttl);
    }

    /** Forgets relays that have been silent for an hour. */
    public int forgetSilent() {
        return relays.forgetSilent();
    }

    /** Says that {@code relay} is gone. What the outboxes were to it stays known for an hour. */
    public void withdraw(String relay) {
        relays.withdraw(relay);
    }

    /**
     * Takes a lease that is free or expired, as one compare-and-set.
     *
     * @param seen the row as it was read, or null if there was none
     * @return the new claim, or null if another relay was faster or the outbox is paused
     */
    public @Nullable Claim take(String outbox, String owner, @Nullable Row seen, Duration ttl) {
        long epoch = seen == null ? 1 : seen.epoch() + 1;
        int taken = transactions.update(
                "take the lease of outbox " + outbox,
                connection -> seen == null
                        ? insert(connection, outbox, owner, ttl)
                        : replace(connection, outbox, owner, seen, ttl, " and (owner = '' or expires_at <= {now})"));
        return taken == 1 ? new Claim(outbox, owner, epoch) : null;
    }

    private int insert(Connection connection, String outbox, String owner, Duration ttl) throws SQLException {
        String insert = """
                insert into {schema}posthaste_lease (outbox, owner, epoch, expires_at) values (?, ?, 1, {fromNow})
                """;
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

    /** A lease that was seen, unless it has changed since or its outbox was paused. */
    private int replace(Connection connection, String outbox, String owner, Row seen, Duration ttl, String condition)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql("""
                update {schema}posthaste_lease set owner = ?, epoch = ?, expires_at = {fromNow}
                where outbox = ? and owner = ? and epoch = ? and paused_by is null
                """ + condition))) {
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
     * @return the new claim, or null if the row has changed or the outbox is paused
     */
    public @Nullable Claim takeStale(String outbox, String owner, Row seen, Duration ttl) {
        int taken = transactions.update(
                "take the stale lease of outbox " + outbox,
                connection -> replace(connection, outbox, owner, seen, ttl, ""));
        return taken == 1 ? new Claim(outbox, owner, seen.epoch() + 1) : null;
    }

    /** The outcome of a renewal. */
    public enum Renewal {
        /** The claim is good for another length of the lease. */
        RENEWED,
        /** The claim is good until its old term ends: what is at the broker can be settled, and nothing new begun. */
        PAUSED,
        /** Another relay has the lease, or its row is gone. */
        LOST
    }

    /**
     * Renews a lease for another {@code ttl}, also one that has run out while nobody else has taken it. That of a paused outbox
     * is not renewed: its owner may be suspended at any moment, and would continue for the rest of the new term.
     */
    public Renewal renew(Claim claim, Duration ttl) {
        return transactions.update("renew the lease of outbox " + claim.outbox(), connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql("""
                    update {schema}posthaste_lease set expires_at = {fromNow}
                    where outbox = ? and owner = ? and epoch = ? and paused_by is null
                    """))) {
                statement.setLong(1, ttl.toNanos() / 1000);
                bind(statement, 2, claim);
                if (statement.executeUpdate() == 1) {
                    return Renewal.RENEWED;
                }
            }
            return holds(connection, claim) ? Renewal.PAUSED : Renewal.LOST;
        });
    }

    /** Releases a lease, for anybody to take at once; does nothing if the claim is no longer good. */
    public void release(Claim claim) {
        transactions.update("release the lease of outbox " + claim.outbox(), connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql("""
                    update {schema}posthaste_lease set owner = '', expires_at = {now}
                    where outbox = ? and owner = ? and epoch = ?
                    """))) {
                bind(statement, 1, claim);
                return statement.executeUpdate();
            }
        });
    }

    /** What operators see of an outbox's lease. */
    LeaseRow state(Connection connection, String outbox) throws SQLException {
        List<String> alive = relays.alive(connection, outbox);
        try (PreparedStatement statement = connection.prepareStatement(sql("""
                select owner, epoch, {nanosUntil:expires_at} as nanos_left, paused_by
                from {schema}posthaste_lease where outbox = ?
                """))) {
            statement.setString(1, outbox);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return new LeaseRow(outbox, null, 0, Duration.ZERO, null, alive);
                }
                String owner = row.getString("owner");
                long nanosLeft = row.getLong("nanos_left");
                boolean held = nanosLeft > 0 && !owner.isEmpty();
                return new LeaseRow(
                        outbox,
                        held ? owner : null,
                        row.getLong("epoch"),
                        held ? Duration.ofNanos(nanosLeft) : Duration.ZERO,
                        row.getString("paused_by"),
                        alive);
            }
        }
    }

    /**
     * Says that nobody is to hold the lease, or that somebody may again.
     *
     * @param by who asks for it; null to resume
     * @return false if it was so before
     */
    boolean pause(Connection connection, String outbox, @Nullable String by) throws SQLException {
        return mark(connection, outbox, by)
                || (by != null && (insertPaused(connection, outbox, by) || mark(connection, outbox, by)));
    }

    private boolean mark(Connection connection, String outbox, @Nullable String by) throws SQLException {
        String update = "update {schema}posthaste_lease set paused_by = ? where outbox = ? and paused_by is "
                + (by == null ? "not null" : "null");
        try (PreparedStatement statement = connection.prepareStatement(sql(update))) {
            statement.setString(1, by);
            statement.setString(2, outbox);
            return statement.executeUpdate() == 1;
        }
    }

    /** For an outbox that no relay has held yet. */
    private boolean insertPaused(Connection connection, String outbox, String by) throws SQLException {
        String insert = """
                insert into {schema}posthaste_lease (outbox, owner, epoch, expires_at, paused_by)
                values (?, '', 0, {now}, ?)
                """;
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
        try (PreparedStatement statement = connection.prepareStatement(sql("""
                select epoch from {schema}posthaste_lease where outbox = ? and owner = ? and epoch = ? {lockShared}
                """))) {
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
