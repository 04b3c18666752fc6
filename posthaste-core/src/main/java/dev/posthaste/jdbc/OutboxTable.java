package dev.posthaste.jdbc;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.StoredEvent;
import dev.posthaste.journal.Verdict;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Every statement on an outbox's table. Runs them on the connection it is given and decides nothing. Thread-safe. */
public final class OutboxTable {
    private final Dialect dialect;
    private final TableLayout layout;
    private final String table;
    private final String insert;
    private final String fetch;
    private final String scan;
    private final String load;
    private final String markPublished;
    private final String markRetry;
    private final String markDead;

    public OutboxTable(Dialect dialect, TableLayout layout) {
        this.dialect = dialect;
        this.layout = layout;
        this.table = dialect.quoteTable(layout.table());
        String position = dialect.pendingPosition();
        String inOrder = " order by " + dialect.pendingOrder() + " " + dialect.limit();
        String columns = """
                select id, event_id, event_type, event_version, event_key, destination, routing_key, headers, payload,
                       attempts, max_attempts, {nanosUntil:next_attempt_at}, {nanosSince:created_at}
                """;
        String pending = "from " + table + " " + dialect.pendingHint(layout) + " where status = 'pending' ";
        this.insert = dialect.sql("insert into " + table + """
                 (event_id, event_type, event_version, event_key, destination, routing_key, headers, payload, status,
                  attempts, max_attempts, next_attempt_at, created_at, updated_at)
                values (?, ?, ?, ?, ?, ?, ?, ?, 'pending', 0, ?, %s, {now}, {now})
                """);
        this.fetch = dialect.sql(columns + pending + "and " + position + " > ?" + inOrder);
        this.scan = dialect.sql("select id, event_key, {nanosUntil:next_attempt_at} " + pending + "and " + position
                + " > ? and " + position + " <= ?" + inOrder);
        this.load = dialect.sql(columns + "from " + table + " where status = 'pending' and id ") + "%s order by id";
        this.markPublished = dialect.sql("update " + table
                        + " set status = 'published', published_at = {now}, next_attempt_at = null, updated_at = {now}"
                        + " where status = 'pending' and id ")
                + "%s";
        this.markRetry = dialect.sql("update " + table
                + " set attempts = ?, last_error = ?, next_attempt_at = {fromNow}, updated_at = {now}"
                + " where status = 'pending' and id = ?");
        this.markDead = dialect.sql("update " + table
                + " set status = 'dead', attempts = ?, last_error = ?, next_attempt_at = null, updated_at = {now}"
                + " where status = 'pending' and id = ?");
    }

    /** An event made ready for its row. */
    public record NewRow(Event event, @Nullable String headers, byte[] payload) {}

    /** @throws DuplicateEventException if one of the event ids is there already */
    public void insert(Connection connection, List<NewRow> rows) throws SQLException {
        boolean delayed = rows.stream().anyMatch(row -> !row.event().delay().isZero());
        String sql = insert.formatted(delayed ? "case when ? then " + dialect.fromNow() + " end" : "null");
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (NewRow row : rows) {
                bind(statement, row, delayed);
                if (rows.size() > 1) {
                    statement.addBatch();
                }
            }
            if (rows.size() > 1) {
                statement.executeBatch();
            } else {
                statement.executeUpdate();
            }
        } catch (SQLException e) {
            for (@Nullable Throwable each = e; each != null; each = each.getCause()) {
                if (each instanceof SQLException sqlException && dialect.isDuplicate(sqlException)) {
                    throw new DuplicateEventException(
                            "An event is in table " + layout.table() + " already: "
                                    + rows.stream()
                                            .map(row -> row.event().id())
                                            .limit(10)
                                            .collect(Collectors.joining(", ")),
                            e);
                }
            }
            throw e;
        }
    }

    private void bind(PreparedStatement statement, NewRow row, boolean delayed) throws SQLException {
        Event event = row.event();
        statement.setString(1, event.id());
        statement.setString(2, event.type());
        statement.setString(3, event.version());
        statement.setString(4, event.key());
        statement.setString(5, event.destination());
        statement.setString(6, event.routingKey());
        statement.setString(7, row.headers());
        if (layout.binaryPayload()) {
            statement.setBytes(8, row.payload());
        } else {
            statement.setString(8, new String(row.payload(), StandardCharsets.UTF_8));
        }
        statement.setObject(9, event.maxAttempts(), java.sql.Types.INTEGER);
        if (delayed) {
            statement.setBoolean(10, !event.delay().isZero());
            statement.setLong(11, event.delay().toNanos() / 1000);
        }
    }

    List<PendingEvent> fetch(Connection connection, long after, int limit, long maxBytes) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(fetch)) {
            statement.setLong(1, after);
            statement.setInt(2, limit);
            return read(statement, maxBytes);
        }
    }

    List<PendingEvent> load(Connection connection, Collection<Long> ids, long maxBytes) throws SQLException {
        try (PreparedStatement statement = prepareWithIds(connection, load, 1, ids)) {
            return read(statement, maxBytes);
        }
    }

    List<PendingMark> scan(Connection connection, long after, long through, int limit) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(scan)) {
            statement.setLong(1, after);
            statement.setLong(2, through);
            statement.setInt(3, limit);
            List<PendingMark> marks = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    marks.add(new PendingMark(rows.getLong(1), rows.getString(2), rows.getLong(3)));
                }
            }
            return marks;
        }
    }

    private List<PendingEvent> read(PreparedStatement statement, long maxBytes) throws SQLException {
        boolean inTransaction = !statement.getConnection().getAutoCommit();
        if (inTransaction || !dialect.streamsInTransactionOnly()) {
            statement.setFetchSize(dialect.streamingFetchSize());
        }
        List<PendingEvent> events = new ArrayList<>();
        long bytes = 0;
        try (ResultSet rows = statement.executeQuery()) {
            while (bytes < maxBytes && rows.next()) {
                PendingEvent event = pendingEvent(rows);
                events.add(event);
                bytes += event.event().payload().length;
            }
        }
        return events;
    }

    private static PendingEvent pendingEvent(ResultSet row) throws SQLException {
        StoredEvent event = new StoredEvent(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                row.getString(8),
                row.getBytes(9));
        int maxAttempts = row.getInt(11);
        return new PendingEvent(
                event, row.getInt(10), maxAttempts == 0 ? null : maxAttempts, row.getLong(12), row.getLong(13));
    }

    /** @return how many rows were still pending */
    int mark(Connection connection, List<Verdict> verdicts) throws SQLException {
        List<Verdict> inIdOrder = new ArrayList<>(verdicts);
        inIdOrder.sort((a, b) -> Long.compare(a.id(), b.id()));
        List<Long> published = new ArrayList<>();
        int marked = 0;
        int refused = 0;
        try (PreparedStatement retry = connection.prepareStatement(markRetry);
                PreparedStatement dead = connection.prepareStatement(markDead)) {
            for (Verdict verdict : inIdOrder) {
                if (verdict instanceof Verdict.Retry each) {
                    retry.setInt(1, each.attempts());
                    retry.setString(2, cut(each.error()));
                    retry.setLong(3, each.delay().toNanos() / 1000);
                    retry.setLong(4, each.id());
                    retry.addBatch();
                    refused++;
                } else if (verdict instanceof Verdict.Dead each) {
                    dead.setInt(1, each.attempts());
                    dead.setString(2, cut(each.error()));
                    dead.setLong(3, each.id());
                    dead.addBatch();
                    refused++;
                } else {
                    published.add(verdict.id());
                }
            }
            if (refused > 0) {
                marked += changed(retry.executeBatch()) + changed(dead.executeBatch());
            }
        }
        if (!published.isEmpty()) {
            try (PreparedStatement statement = prepareWithIds(connection, markPublished, 1, published)) {
                marked += statement.executeUpdate();
            }
        }
        return marked;
    }

    /** A driver that rewrites a batch no longer knows each count; it says so, and the statement did not fail. */
    private static int changed(int[] counts) {
        int changed = 0;
        for (int count : counts) {
            changed += count == Statement.SUCCESS_NO_INFO ? 1 : count;
        }
        return changed;
    }

    int requeue(Connection connection, Collection<Long> ids) throws SQLException {
        String sql = dialect.sql("update " + table + " set status = 'pending', attempts = 0, next_attempt_at = null,"
                        + " updated_at = {now} where status = 'dead' and id ")
                + "%s";
        try (PreparedStatement statement = prepareWithIds(connection, sql, 1, ids)) {
            return statement.executeUpdate();
        }
    }

    Map<String, Long> deadKeys(Connection connection, int limit) throws SQLException {
        String sql = "select event_key, min(id) from " + table
                + " where status = 'dead' and event_key is not null group by event_key limit " + limit;
        Map<String, Long> keys = new LinkedHashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                keys.put(rows.getString(1), rows.getLong(2));
            }
        }
        return keys;
    }

    Map<Status, Long> counts(Connection connection) throws SQLException {
        Map<Status, Long> counts = new EnumMap<>(Status.class);
        for (Status status : Status.values()) {
            counts.put(status, 0L);
        }
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select status, count(*) from " + table + " group by status")) {
            while (rows.next()) {
                counts.put(Status.ofCode(rows.getString(1)), rows.getLong(2));
            }
        }
        return counts;
    }

    /** @return pending, dead, nanoseconds since the oldest pending event was written */
    long[] backlog(Connection connection) throws SQLException {
        String hint = dialect.pendingHint(layout);
        String sql = dialect.sql("select (select count(*) from " + table + " " + hint + " where status = 'pending'),"
                + " (select count(*) from " + table + " where status = 'dead'),"
                + " coalesce((select {nanosSince:created_at} from " + table + " " + hint
                + " where status = 'pending' order by " + dialect.pendingOrder()
                + " limit 1), 0)");
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return new long[] {rows.getLong(1), rows.getLong(2), rows.getLong(3)};
        }
    }

    /** One row as retention sees it. {@code restNanos}: since it reached its status; {@code ageNanos}: since its write. */
    record Aged(long id, Status status, long restNanos, long ageNanos) {}

    List<Aged> aged(Connection connection, long after, int limit) throws SQLException {
        String sql = dialect.sql("select id, status, {nanosSince:updated_at}, {nanosSince:created_at} from " + table
                + " where id > ? order by id limit ?");
        List<Aged> rows = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, after);
            statement.setInt(2, limit);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    rows.add(new Aged(row.getLong(1), Status.ofCode(row.getString(2)), row.getLong(3), row.getLong(4)));
                }
            }
        }
        return rows;
    }

    int delete(Connection connection, Collection<Long> ids, Collection<Status> statuses) throws SQLException {
        String codes =
                statuses.stream().map(status -> "'" + status.code() + "'").collect(Collectors.joining(", "));
        String sql = "delete from " + table + " where status in (" + codes + ") and id %s";
        try (PreparedStatement statement = prepareWithIds(connection, sql, 1, ids)) {
            return statement.executeUpdate();
        }
    }

    /** Prepares {@code template}, whose {@code %s} stands for a comparison of the id with the list. */
    private PreparedStatement prepareWithIds(
            Connection connection, String template, int parameter, Collection<Long> ids) throws SQLException {
        if (dialect.bindsArrays()) {
            PreparedStatement statement = connection.prepareStatement(template.formatted("= any(?)"));
            statement.setArray(parameter, connection.createArrayOf("bigint", ids.toArray()));
            return statement;
        }
        String list = ids.stream().map(String::valueOf).collect(Collectors.joining(",", "in (", ")"));
        return connection.prepareStatement(template.formatted(list));
    }

    /** At most {@link TableLayout#MAX_ERROR} characters, never half a surrogate pair, no NUL. */
    static String cut(String error) {
        String clean = error.replace('\0', ' ');
        if (clean.length() <= TableLayout.MAX_ERROR) {
            return clean;
        }
        int end = TableLayout.MAX_ERROR;
        return clean.substring(0, Character.isHighSurrogate(clean.charAt(end - 1)) ? end - 1 : end);
    }

    /** The statement that finds work, for plans and their tests. */
    public String fetchStatement() {
        return fetch;
    }

    /** The statement that looks behind, for plans and their tests. */
    public String scanStatement() {
        return scan;
    }

    /** The statement that marks events as published, for benchmarks: its one parameter or {@code %s} is the ids. */
    public String publishedStatement() {
        return markPublished;
    }
}
