package dev.posthaste.internal.jdbc;

import dev.posthaste.StoreException;
import dev.posthaste.internal.store.Writers;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The transactions that hold a write lock on an outbox's table, from a list that has proven to be complete. An empty list
 * proves nothing: a server that records no locks, or not this user's, returns one without an error. So a list is
 * trusted only when it shows a lock that was taken for this purpose, once for each server and each time it runs.
 * Thread-safe.
 */
final class WriteLocks {
    private static final Logger log = LoggerFactory.getLogger(WriteLocks.class);
    private static final long ASK_AGAIN_NANOS = Duration.ofMinutes(1).toNanos();
    /** The server reports its uptime in whole seconds, and answers take a while. */
    private static final long SAME_LIFE_SECONDS = 5;
    /** Where transactions commit in the order of their ids, none that is still open fills a gap below a visible id. */
    private static final Writers NOBODY = new Writers("", Set.of());

    private final JdbcTransactions transactions;
    private final String outbox;
    private final boolean commitsInIdOrder;
    private final List<WriteLockSource> sources;
    private final String lock;

    // All below is guarded by this.
    private @Nullable WriteLockSource trusted;
    private String trustedServer = "";
    private boolean isStandby;
    private @Nullable Long refusedAt;
    private String lastReason = "";
    private long startedAtSecond = Long.MIN_VALUE;
    private int life;
    private int proofs;
    private Set<String> lastTransactions = Set.of();
    /** Transactions that are no longer listed, but may be among those that were prepared when they vanished. */
    private final Map<String, Set<String>> perhapsPrepared = new HashMap<>();

    WriteLocks(JdbcTransactions transactions, RowSql sql) {
        this.transactions = transactions;
        this.outbox = sql.outbox;
        this.commitsInIdOrder = sql.dialect.commitsInIdOrder();
        this.sources = sql.dialect.writeLockSources(sql.layout);
        // No row has this id, so that nothing is changed; but the table is locked as by any writer.
        this.lock = sql.text("update {table} set {attempts} = {attempts} where {id} = " + WriteLockSource.NO_ID);
    }

    /** @return null where no complete list can be had; the reason is logged once */
    synchronized @Nullable Writers list() {
        if (commitsInIdOrder) {
            return NOBODY;
        }
        if (sources.isEmpty() || (refusedAt != null && System.nanoTime() - refusedAt < ASK_AGAIN_NANOS)) {
            return null;
        }
        Writers writers = listOf(trusted);
        return writers != null || isStandby ? writers : prove() ? listOf(trusted) : null;
    }

    /** @return null if there is no such source, or it has changed since it was tried */
    private @Nullable Writers listOf(@Nullable WriteLockSource source) {
        isStandby = false;
        WriteLockSource.Found found = source == null ? null : look(source);
        if (found == null) {
            return null;
        }
        isStandby = found.server() == null;
        return !isStandby && server(found).equals(trustedServer) && isWhole(found) ? writers(found) : null;
    }

    private static boolean isWhole(WriteLockSource.Found found) {
        return found.lost() == 0;
    }

    private WriteLockSource.@Nullable Found look(WriteLockSource source) {
        try {
            return transactions.query(what(), source::find);
        } catch (StoreException e) {
            if (isOfTheDatabase(e)) {
                throw e;
            }
            return null;
        }
    }

    private String what() {
        return "list the transactions that write to outbox " + outbox;
    }

    /** Whether it failed for a reason other than that this user has no such list. */
    private static boolean isOfTheDatabase(StoreException e) {
        return SqlErrors.isTransient(e) || (e.getCause() instanceof SQLException sql && SqlErrors.isWrongServer(sql));
    }

    // --- The proof ---------------------------------------------------------------------------------------------------

    /** Looks for a source that shows a lock of our own. */
    private boolean prove() {
        trusted = null;
        perhapsPrepared.clear();
        lastTransactions = Set.of();
        String reason = "";
        for (WriteLockSource source : sources) {
            try {
                WriteLockSource.Found first = transactions.query(what(), source::find);
                if (first.server() == null) {
                    return false; // a standby: no one writes here, and it may become the primary at any time
                }
                if (!isWhole(first)) {
                    reason = "the server had no room to record " + first.lost() + " locks since it was started";
                    continue;
                }
                if (transactions.query(what(), source::isCluster)) {
                    reason = "several servers of one cluster accept writes";
                    continue;
                }
                Optional<WriteLockSource.Found> shown =
                        transactions.transaction(what(), connection -> shown(connection, source));
                if (shown.isPresent() && shown.get().server() != null) {
                    trusted = source;
                    trustedServer = server(shown.get());
                    proofs++; // what was known of names is forgotten

                    refusedAt = null;
                    lastReason = "";
                    return true;
                }
                reason = "it does not show a lock that was taken to try it";
            } catch (StoreException e) {
                if (isOfTheDatabase(e)) {
                    throw e;
                }
                reason = String.valueOf(
                        e.getCause() == null ? e.getMessage() : e.getCause().getMessage());
            }
        }
        refusedAt = System.nanoTime();
        if (!reason.equals(lastReason)) {
            lastReason = reason;
            log.warn(
                    "Outbox {}: the database does not list the transactions that write to its table ({}). So a missing id"
                            + " is never known to stay missing,"
                            + " and is looked for repeatedly. {}",
                    outbox,
                    reason,
                    sources.get(0).remedy());
        }
        return false;
    }

    /** What the list shows while this connection has the lock; empty if the lock is not in it. */
    private Optional<WriteLockSource.Found> shown(Connection connection, WriteLockSource source) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate(lock);
        }
        String own = source.own(connection);
        WriteLockSource.Found found = source.find(connection);
        connection.rollback();
        return found.transactions().contains(own) ? Optional.of(found) : Optional.empty();
    }

    // --- Names -------------------------------------------------------------------------------------------------------

    /** A name for the server since its last start. */
    private String server(WriteLockSource.Found found) {
        if (found.uptimeSeconds() == 0) {
            return String.valueOf(found.server());
        }
        long started = System.nanoTime() / 1_000_000_000L - found.uptimeSeconds();
        if (Math.abs(started - startedAtSecond) > SAME_LIFE_SECONDS) {
            life++;
        }
        startedAtSecond = started;
        return found.server() + " " + life;
    }

    /** Transactions under names that they keep when they are prepared, though the database may drop them from its list. */
    private Writers writers(WriteLockSource.Found found) {
        perhapsPrepared.values().forEach(each -> each.retainAll(found.prepared()));
        perhapsPrepared.values().removeIf(Set::isEmpty);
        if (!found.prepared().isEmpty()) {
            for (String gone : lastTransactions) {
                if (!found.transactions().contains(gone)) {
                    perhapsPrepared.put(gone, new HashSet<>(found.prepared()));
                }
            }
        }
        lastTransactions = found.transactions();
        Set<String> all = new HashSet<>(found.transactions());
        all.addAll(found.prepared());
        all.addAll(perhapsPrepared.keySet());
        return new Writers(trustedServer + " " + proofs, all);
    }
}
