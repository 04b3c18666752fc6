package dev.posthaste.jdbc;

import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** H2 2.3 and later, for development and the demo: it promises nothing after a power failure. */
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

    /** Not {@code datediff}, which compares what the clocks on two walls show, whatever zones they are in. */
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

    /** H2 sorts unless it is told the whole index. */
    @Override
    String pendingOrder(String id, String status) {
        return status + ", " + id;
    }

    @Override
    String pendingHint(TableLayout layout) {
        return "use index (" + quote(Objects.requireNonNull(layout.pendingIndex())) + ")";
    }

    @Override
    String limitSilence(long seconds) {
        return "";
    }

    @Override
    String unlimitSilence() {
        return "";
    }

    @Override
    String share() {
        return "for update";
    }

    @Override
    String lockFree() {
        return "";
    }

    @Override
    boolean bindsArrays() {
        return true;
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
    List<String> durabilityWarnings(Connection connection) {
        return List.of("H2 is for development: nothing is promised after a power failure");
    }

    @Override
    Duration oldestTransaction(Connection connection) {
        return Duration.ZERO;
    }
}
