package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.store.Verdict;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One transaction's changes to rows. For one thread.
 *
 * <p>Normally, rows are changed in batches, and any failure rolls the transaction back. Row by row, each change is
 * guarded by a savepoint: a row that refuses its error text gets a shorter one or none, and one that refuses even that
 * is left out.
 */
final class RowChanges {
    private static final Logger log = LoggerFactory.getLogger(RowChanges.class);
    /** Each lasts a second, in which the lease cannot be renewed. */
    private static final int MAX_WAITS = 3;
    /** The savepoint before one change. */
    private static final String CHANGE = "posthaste_change";

    private final RowSql sql;
    private final Refusals refusals;
    private final Connection connection;
    private final boolean rowByRow;
    /** Whether rows may be locked, and this user can find out only by waiting. */
    boolean waits;

    private int waited;
    int changed;
    final Set<Long> locked = new HashSet<>();
    final Set<Long> refused = new HashSet<>();

    @Nullable
    SQLException firstRefusal;

    RowChanges(RowSql sql, Refusals refusals, Connection connection, boolean rowByRow) {
        this.sql = sql;
        this.refusals = refusals;
        this.connection = connection;
        this.rowByRow = rowByRow;
    }

    @FunctionalInterface
    private interface Change {
        int run() throws SQLException;
    }

    /** Changes the rows that {@code text} selects, all in one statement or, where some resist, in parts. */
    void update(String text, List<Long> ids) throws SQLException {
        if (ids.isEmpty()) {
            return;
        }
        if (!rowByRow && !waits) {
            changed += sql.update(connection, text, ids);
            return;
        }
        if (waited >= MAX_WAITS) {
            locked.addAll(ids);
            return;
        }
        SQLException failure = attempt(() -> sql.update(connection, text, ids));
        if (failure != null && ids.size() > 1) {
            int half = ids.size() / 2;
            update(text, ids.subList(0, half));
            update(text, ids.subList(half, ids.size()));
        } else if (failure != null) {
            leave(ids.get(0), failure);
        }
    }

    void refuse(List<Verdict.Refused> all) throws SQLException {
        if (all.isEmpty()) {
            return;
        }
        try (PreparedStatement retries = refusals.prepareRetry(connection);
                PreparedStatement deaths = refusals.prepareDead(connection)) {
            for (Verdict.Refused each : all) {
                PreparedStatement statement = each instanceof Verdict.Dead ? deaths : retries;
                if (rowByRow || waits) {
                    refuseOne(statement, each);
                } else {
                    refusals.bind(statement, each, each.error());
                    statement.addBatch();
                }
            }
            if (!rowByRow && !waits) {
                changed += changed(retries.executeBatch()) + changed(deaths.executeBatch());
            }
        }
    }

    /** A driver that rewrites a batch no longer knows each count; it reports that, and the statement did not fail. */
    private static int changed(int[] counts) {
        int changed = 0;
        for (int count : counts) {
            changed += count == Statement.SUCCESS_NO_INFO ? 1 : count;
        }
        return changed;
    }

    private void refuseOne(PreparedStatement statement, Verdict.Refused refusal) throws SQLException {
        if (waited >= MAX_WAITS) {
            locked.add(refusal.id());
            return;
        }
        List<Change> ways = new ArrayList<>();
        for (String error : Arrays.asList(refusal.error(), ErrorText.plain(refusal.error()), null)) {
            ways.add(() -> {
                refusals.bind(statement, refusal, error);
                return statement.executeUpdate();
            });
        }
        ways.add(() -> refusals.writeStatusOnly(connection, refusal));
        SQLException failure = null;
        for (Change way : ways) {
            failure = attempt(way);
            if (failure == null || !SqlErrors.isRefused(failure)) {
                break;
            }
        }
        if (failure != null) {
            leave(refusal.id(), failure);
        }
    }

    /** @return null if it was done; otherwise why not, and then the transaction is as it was before */
    private @Nullable SQLException attempt(Change change) throws SQLException {
        JdbcTransactions.execute(connection, "savepoint " + CHANGE);
        try {
            changed += change.run();
            JdbcTransactions.execute(connection, "release savepoint " + CHANGE);
            return null;
        } catch (SQLException e) {
            if (!(rowByRow && SqlErrors.isRefused(e)) && !(waits && SqlErrors.isLockWait(e))) {
                throw e;
            }
            JdbcTransactions.execute(connection, "rollback to savepoint " + CHANGE);
            if (SqlErrors.isLockWait(e)) {
                waited++;
            }
            return e;
        }
    }

    private void leave(long id, SQLException why) {
        if (SqlErrors.isLockWait(why)) {
            locked.add(id);
            return;
        }
        refused.add(id);
        if (firstRefusal == null) {
            firstRefusal = why;
            // Not the message, which may show the row.
            log.warn(
                    "Outbox {}: row {} cannot be marked, and others of this batch may follow: the table refuses the change even"
                            + " without its error text (SQLSTATE {}, code {}). Its event may be published again until a"
                            + " constraint or trigger of the table lets status, attempts and times change",
                    sql.outbox,
                    id,
                    why.getSQLState(),
                    why.getErrorCode());
        }
    }
}
