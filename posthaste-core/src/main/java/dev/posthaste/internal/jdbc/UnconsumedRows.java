package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Published events for which no receipt has come yet, on the connection it is given. Thread-safe. */
final class UnconsumedRows {
    /** How far back from the newest row a consumed one is looked for. */
    private static final long MAX_LOOK_BACK = 100_000;

    private final RowSql sql;
    private final RowLocks locks;
    private final RowCounts counts;
    /** Where the table does not record when events were published, their ids are used instead. */
    private final boolean isTimed;
    /** Whether any of its columns says, at least approximately, when an event was published. */
    private final boolean knowsWhen;

    UnconsumedRows(RowSql sql, RowLocks locks, RowCounts counts) {
        this.sql = sql;
        this.locks = locks;
        this.counts = counts;
        this.isTimed = sql.layout.has(Column.PUBLISHED_AT);
        this.knowsWhen = isTimed || sql.layout.has(Column.UPDATED_AT) || sql.layout.has(Column.CREATED_AT);
    }

    /**
     * Events that were published longer ago than {@code limit}.
     *
     * @param oldestNanos since the oldest was published
     */
    record Count(long events, long oldestNanos) {}

    Count count(Connection connection, Duration limit) throws SQLException {
        if (!knowsWhen) {
            return new Count(0, 0);
        }
        String text = sql.text("""
                select count(*) as events, coalesce(max({since:published-at|updated-at|created-at}), 0) as oldest_nanos
                from {table:published} where {status} = {published} and {published-at|updated-at|created-at} < {fromNow}
                """);
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setLong(1, -(limit.toNanos() / 1000));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new Count(row.getLong("events"), row.getLong("oldest_nanos"));
            }
        }
    }

    /** @see dev.posthaste.internal.store.OutboxStore#passedOver */
    List<Long> passedOver(Connection connection, Duration limit, long after, int most) throws SQLException {
        Long newest = knowsWhen ? newestConsumed(connection) : null;
        if (newest == null) {
            return List.of();
        }
        String passed = isTimed ? "{published-at} < {atMicros}" : "{id} < ?";
        String text = sql.text("""
                select {id} from {table:published}
                where {status} = {published} and {published-at|updated-at|created-at} < {fromNow} and %s and {id} > ?
                order by {id} limit ?
                """.formatted(passed));
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setLong(1, -(limit.toNanos() / 1000));
            statement.setLong(2, newest);
            statement.setLong(3, after);
            statement.setInt(4, most);
            List<Long> ids = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    ids.add(rows.getLong(sql.label(Column.ID)));
                }
            }
            return ids;
        }
    }

    /** When the consumed event with the highest id was published, in microseconds, or its id; null if there is none. */
    private @Nullable Long newestConsumed(Connection connection) throws SQLException {
        String text = sql.text("""
                select %s as passed from {table:id}
                where {id} > ? and {status in consumed}[ and {published-at} is not null]
                order by {id} desc limit 1
                """.formatted(isTimed ? "{time:published-at}" : "{id}"));
        try (PreparedStatement statement = sql.prepare(connection, text)) {
            statement.setLong(1, counts.lastId(connection).orElse(0) - MAX_LOOK_BACK);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Long.valueOf(row.getLong("passed")) : null;
            }
        }
    }

    /** Those that are published, and that no other transaction has locked, become pending. */
    Set<Long> republish(Connection connection, Collection<Long> ids) throws SQLException {
        List<Long> inOrder = ids.stream().sorted().toList();
        String lock = sql.text("""
                select {id} from {table:id} where {status in published} and {id in ids} {skipLocked}
                """);
        Set<Long> mine = locks.lock(connection, lock, inOrder);
        Collection<Long> free = mine == null ? inOrder : mine;
        if (!free.isEmpty()) {
            String update = sql.text("""
                    update {table:id}
                    set {status} = {pending}, {next-attempt-at} = {at once}[, {updated-at} = {now}]
                    where {status in published} and {id in ids}
                    """);
            sql.update(connection, update, free);
        }
        return Set.copyOf(free);
    }
}
