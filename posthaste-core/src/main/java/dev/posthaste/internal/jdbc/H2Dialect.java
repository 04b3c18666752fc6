package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** H2 2.3 and later, for the tests of applications: it promises nothing after a kill or a power failure. */
final class H2Dialect extends Dialect {
    @Override
    public String name() {
        return "h2";
    }

    @Override
    String now() {
        return "current_timestamp(6)";
    }

    @Override
    String fromNow() {
        return "dateadd(microsecond, ?, current_timestamp(6))";
    }

    @Override
    String nanosUntil(String column) {
        return nanos(column, "current_timestamp(6)");
    }

    @Override
    String nanosSince(String column) {
        return nanos("current_timestamp(6)", column);
    }

    /** Not {@code datediff}, which compares wall-clock times regardless of their zones. */
    private static String nanos(String end, String start) {
        return "cast((extract(epoch from " + end + ") - extract(epoch from " + start + ")) * 1000000000 as bigint)";
    }

    @Override
    String micros(String column) {
        return "cast(extract(epoch from " + column + ") * 1000000 as bigint)";
    }

    @Override
    String atMicros() {
        return "dateadd(microsecond, ?, timestamp with time zone '1970-01-01 00:00:00+00:00')";
    }

    /** H2 sorts unless it is given the whole index. */
    @Override
    String pendingOrder(String id, String status) {
        return status + ", " + id;
    }

    @Override
    String statusHint(EventTable layout, Status status) {
        return "use index (" + quote(Objects.requireNonNull(layout.pendingIndex())) + ")";
    }

    @Override
    String limitWaits(long silence, long lock) {
        return "";
    }

    @Override
    String withinDecades(String column) {
        return "least(greatest(" + column
                + ", dateadd(day, -30000, current_timestamp(6))), dateadd(day, 30000, current_timestamp(6)))";
    }

    @Override
    String start(String column, boolean standard, int characters) {
        return "left(cast(" + column + " as varchar), " + characters + ")";
    }

    @Override
    boolean unitesRanges() {
        return false;
    }

    /** In milliseconds. */
    @Override
    String beforeNote(long silence, long lock) {
        return "set @posthaste_lock = lock_timeout(); set lock_timeout " + lock * 1000;
    }

    @Override
    String unlimitNote() {
        return "set lock_timeout @posthaste_lock";
    }

    @Override
    List<String> afterNote(String unlimit) {
        return List.of(unlimitNote() + "; savepoint " + NOTE + "; " + signNote(NOTE));
    }

    /** Releasing a savepoint does nothing here, whether it exists or not. A transaction has an id once it has written. */
    @Override
    String signNote(String savepoint) {
        return "set @" + savepoint + " = transaction_id()";
    }

    @Override
    String proveNote(String savepoint) {
        return "set @posthaste_proof = 1 / casewhen(transaction_id() = @" + savepoint + ", 1, 0); "
                + releaseNote(savepoint);
    }

    @Override
    String releaseNote(String savepoint) {
        return "set @" + savepoint + " = null";
    }

    @Override
    String unlimitWaits() {
        return "";
    }

    @Override
    String lockShared() {
        return "for update";
    }

    @Override
    boolean bindsArrays() {
        return true;
    }

    @Override
    String binaryType() {
        return "blob";
    }

    @Override
    String quote(String identifier) {
        return '"' + identifier + '"';
    }

    @Override
    int streamingFetchSize() {
        return 0;
    }

    @Override
    boolean streamsInTransactionOnly() {
        return false;
    }

    @Override
    DatabaseChecks checks() {
        return new H2Checks();
    }

    @Override
    Duration oldestTransaction(Connection connection) {
        return Duration.ZERO;
    }

    @Override
    boolean isDuplicateOfPrimaryKey(SQLException e) {
        return String.valueOf(e.getMessage()).contains("PRIMARY KEY ON");
    }
}
