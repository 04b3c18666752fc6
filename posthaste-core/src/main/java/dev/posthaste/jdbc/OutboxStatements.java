package dev.posthaste.jdbc;

import dev.posthaste.Status;
import dev.posthaste.jdbc.TableLayout.Column;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The text of every statement on an outbox's table. Where a statement takes a list of ids, it holds one {@code %s} for the
 * comparison with them. Statements by id begin with a table name that is followed by {@link #BY_ID}, for
 * {@link IdIndex#apply}. Immutable.
 *
 * <p>Each statement has one usable index, whatever the statistics say: a table that keeps a week of published events makes
 * the planner believe that hardly anything is pending, and an index that leads to pending events then seems to be the best
 * way to a thousand of them by their ids.
 */
final class OutboxStatements {
    /** Where the hint goes that leads to rows by their ids. */
    static final String BY_ID = "/*byId*/";

    /** Contents of at most this many bytes come with the row; larger ones are loaded by id. */
    static final int MAX_INLINE_BYTES = 16 * 1024;

    /** What the columns beside headers and payload may hold together; other programs' tables need not bound them. */
    static final int MAX_NAMES_BYTES = 64 * 1024;

    private static final List<Column> NAMES =
            List.of(Column.EVENT_ID, Column.TYPE, Column.VERSION, Column.KEY, Column.DESTINATION, Column.ROUTING_KEY);

    private final Dialect dialect;
    private final TableLayout layout;
    private final String table;

    OutboxStatements(Dialect dialect, TableLayout layout) {
        this.dialect = dialect.inZone(layout.zone());
        this.layout = layout;
        this.table = dialect.quoteTable(layout.table());
    }

    // --- Parts -------------------------------------------------------------------------------------------------------

    String table() {
        return table;
    }

    String name(Column column) {
        return layout.isStandard() ? layout.column(column) : dialect.quote(layout.column(column));
    }

    String read(Column column) {
        return layout.has(column) ? name(column) : "null";
    }

    /** At most this many characters of a text, where other programs may have written more. */
    String readStart(Column column, int characters) {
        return layout.isStandard() || !layout.has(column)
                ? read(column)
                : dialect.start(name(column), false, characters);
    }

    /** A payload of at most this many bytes, otherwise null. */
    String payloadUpTo(int most) {
        return "case when " + bytes(Column.PAYLOAD) + " <= " + most + " then " + name(Column.PAYLOAD) + " end";
    }

    /** Within 30,000 days of now: a time like {@code 9999-12-31} or {@code infinity} must not overflow. */
    private String readNanos(String mark, Column column) {
        return layout.has(column)
                ? "case when " + name(column) + " is not null then {" + mark + ":" + dialect.withinDecades(name(column))
                        + "} end"
                : "0";
    }

    /** As {@link #read}, but null in a row whose names are too large to be read. */
    private String readName(Column column) {
        return layout.isStandard() || !layout.has(column)
                ? read(column)
                : "case when " + namesBytes() + " <= " + MAX_NAMES_BYTES + " then " + name(column) + " end";
    }

    private String bytes(Column column) {
        return layout.has(column) ? "coalesce(" + dialect.octets(name(column), layout.isStandard()) + ", 0)" : "0";
    }

    private String namesBytes() {
        return layout.isStandard()
                ? "0"
                : NAMES.stream().filter(layout::has).map(this::bytes).collect(Collectors.joining(" + ", "(", ")"));
    }

    private String contentBytes() {
        return layout.has(Column.HEADERS)
                ? "(" + bytes(Column.PAYLOAD) + " + " + bytes(Column.HEADERS) + ")"
                : bytes(Column.PAYLOAD);
    }

    String is(Status status) {
        return name(Column.STATUS) + " = " + layout.literal(status);
    }

    /** The same, but no index on the status serves it: for rows that are found by their ids. */
    String isById(Status... statuses) {
        return dialect.isWithoutIndex(
                name(Column.STATUS),
                known(List.of(statuses)).stream().map(layout::literal).toList());
    }

    private String isOpen() {
        return isById(Status.PENDING, Status.PUBLISHED);
    }

    /** What a consumer's word may still change. */
    private String isNotConsumed() {
        return isById(Status.PENDING, Status.PUBLISHED, Status.DEAD);
    }

    /** The statuses among {@code wanted} that this table has a code for. */
    private List<Status> known(Collection<Status> wanted) {
        return wanted.stream()
                .filter(status -> status != Status.CONSUMED || layout.tracksConsumption())
                .toList();
    }

    private String id() {
        return name(Column.ID);
    }

    String position() {
        return layout.pendingIndex() == null ? id() : dialect.pendingPosition(id());
    }

    private String inOrder() {
        return layout.pendingIndex() == null
                ? " order by " + id() + " limit ?"
                : " order by " + dialect.pendingOrder(id(), name(Column.STATUS)) + " " + dialect.limit();
    }

    private String hint(Status status) {
        return layout.pendingIndex() == null ? "" : dialect.statusHint(layout, status);
    }

    private String fromPending() {
        return from(Status.PENDING);
    }

    /** Rows of one status, by the index that knows it. */
    String from(Status status) {
        return "from " + table + " " + hint(status) + " where " + is(status);
    }

    /** Whether an index leads to the rows of {@code status} without those of others. */
    boolean findsByIndex(Status status) {
        return status == Status.PENDING
                || status == Status.DEAD
                || layout.pendingIndex() != null && dialect.indexesEveryStatus();
    }

    /** The order of {@link #position} among rows of one status. */
    String order(boolean newestFirst) {
        String order = layout.pendingIndex() == null ? id() : dialect.pendingOrder(id(), name(Column.STATUS));
        return newestFirst ? order.replace(",", " desc,") + " desc" : order;
    }

    private String names() {
        return "select " + id() + ", " + NAMES.stream().map(this::readName).collect(Collectors.joining(", ")) + ", "
                + name(Column.ATTEMPTS) + ", " + read(Column.MAX_ATTEMPTS) + ", "
                + readNanos("nanosUntil", Column.NEXT_ATTEMPT_AT) + ", " + readNanos("nanosSince", Column.CREATED_AT)
                + ", " + contentBytes() + ", " + namesBytes();
    }

    /**
     * Id, names, attempts, limit, nanoseconds until it is due and since it was written, bytes of headers and payload, bytes
     * of the names, headers, payload, generation; headers and payload only where they are small.
     */
    private String events(String condition) {
        String small = "case when " + contentBytes() + " <= " + MAX_INLINE_BYTES + condition + " then ";
        return names() + ", " + (layout.has(Column.HEADERS) ? small + name(Column.HEADERS) + " end" : "null") + ", "
                + small + name(Column.PAYLOAD) + " end, " + read(Column.GENERATION) + " ";
    }

    /** An update that moves events to a status; times and errors only where the table has room for them. */
    private final class Update {
        private final List<String> sets = new ArrayList<>();

        Update to(Status status) {
            sets.add(is(status));
            return this;
        }

        Update set(Column column, String value) {
            if (layout.has(column)) {
                sets.add(name(column) + " = " + value);
            }
            return this;
        }

        String where(String condition) {
            set(Column.UPDATED_AT, "{now}");
            return dialect.sql("update " + byId() + " set " + String.join(", ", sets) + " where " + condition);
        }
    }

    /** The table, read by its ids. */
    String byId() {
        return table + dialect.afterHint(BY_ID);
    }

    private String listed(String template) {
        return template + " and " + id() + " %s";
    }

    // --- Writing -----------------------------------------------------------------------------------------------------

    /** Its parameters are {@link OutboxInsert.NewRow}'s, in this order, where the table has the column. */
    String insert(boolean delayed, boolean ownLimit) {
        List<String> columns = new ArrayList<>();
        List<String> values = new ArrayList<>();
        for (Column column : Column.values()) {
            String value = switch (column) {
                case ID, LAST_ERROR, PUBLISHED_AT, CONSUMED_AT, GENERATION -> null;
                case STATUS -> layout.literal(Status.PENDING);
                case ATTEMPTS -> "0";
                case MAX_ATTEMPTS -> ownLimit ? "?" : null;
                case NEXT_ATTEMPT_AT -> delayed ? "{fromNow}" : layout.dueNow() ? "{now}" : null;
                case CREATED_AT, UPDATED_AT -> "{now}";
                default -> "?";
            };
            if (value != null && layout.has(column)) {
                columns.add(name(column));
                values.add(value);
            }
        }
        return dialect.sql("insert into " + table + " (" + String.join(", ", columns) + ") values ("
                + String.join(", ", values) + ")");
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    String fetch() {
        return fetch(fromPending());
    }

    /** The same by the table's primary key, whatever other index there is. */
    String fetchByPrimaryKey() {
        return fetch(byPrimaryKey());
    }

    private String fetch(String fromPending) {
        String due = " and " + dialect.isDue(name(Column.NEXT_ATTEMPT_AT));
        return dialect.sql(events(due) + fromPending + " and " + position() + " > ?" + inOrder());
    }

    String scan() {
        return scan(fromPending());
    }

    String scanByPrimaryKey() {
        return scan(byPrimaryKey());
    }

    private String byPrimaryKey() {
        return "from " + table + " " + dialect.primaryKeyHint() + " where " + is(Status.PENDING);
    }

    private String scan(String fromPending) {
        return dialect.sql("select " + mark() + " " + fromPending + " and " + position() + " > ? and " + position()
                + " <= ?" + inOrder());
    }

    /** Id, key, nanoseconds until it is due. */
    private String mark() {
        return id() + ", " + readName(Column.KEY) + ", " + readNanos("nanosUntil", Column.NEXT_ATTEMPT_AT);
    }

    /**
     * Looks into many ranges of ids at once. Where ranges are bound as arrays: the lower ends, the upper ends, the limit
     * twice. Elsewhere they are in the statement in place of its {@code %s}, and the limit is its only parameter.
     */
    String scanRanges() {
        return scanRanges(fromPending());
    }

    String scanRangesByPrimaryKey() {
        return scanRanges(byPrimaryKey());
    }

    private String scanRanges(String fromPending) {
        if (!dialect.bindsRanges()) {
            return dialect.sql("select " + mark() + " " + fromPending + " and (%s)" + inOrder());
        }
        return dialect.sql("select pending.* from unnest(?, ?) ranges (low, high) cross join lateral (select " + mark()
                + " " + fromPending + " and " + position() + " >= ranges.low and " + position() + " <= ranges.high"
                + inOrder() + ") pending order by 1 " + dialect.limit());
    }

    /** One range of {@link #scanRanges}' {@code %s}. */
    String range(long first, long last) {
        return id() + " between " + first + " and " + last;
    }

    /** How many are pending, but no more than so many. */
    String countPendingUpTo(int most) {
        return "select count(*) from (select 1 " + fromPending() + " limit " + most + ") pending";
    }

    String load() {
        return listed(dialect.sql(events("") + "from " + byId() + " where " + isById(Status.PENDING))) + " order by "
                + id();
    }

    /** The same whatever their status is. */
    String loadAny() {
        return dialect.sql(events("") + "from " + byId() + " where " + id() + " %s order by " + id());
    }

    /** Id, headers, payload. */
    String contents() {
        return "select " + id() + ", " + read(Column.HEADERS) + ", " + name(Column.PAYLOAD) + " from " + byId()
                + " where " + id() + " %s order by " + id();
    }

    // --- Settling ----------------------------------------------------------------------------------------------------

    /** Locks those that are pending, but not those that somebody else has locked. */
    String lockPending() {
        return lock(isById(Status.PENDING));
    }

    /** Those that are pending, locked or not. */
    String pending() {
        return listed("select " + id() + " from " + byId() + " where " + isById(Status.PENDING));
    }

    /** The same of those that were consumed before they were known to be published. */
    String lockConsumed() {
        return lock(unpublished());
    }

    private String lock(String condition) {
        return listed("select " + id() + " from " + byId() + " where " + condition) + dialect.skipLocked();
    }

    private String unpublished() {
        return isById(Status.CONSUMED) + " and " + name(Column.PUBLISHED_AT) + " is null";
    }

    /** Also takes the attempts that were seen, as a number in its {@code %d}. */
    String published() {
        return listed(new Update()
                .to(Status.PUBLISHED)
                .set(Column.PUBLISHED_AT, "{now}")
                .set(Column.NEXT_ATTEMPT_AT, "null")
                .where(isPendingAsSeen()));
    }

    /** The same for events that every consumer has handled. */
    String publishedAndConsumed() {
        return listed(consume().set(Column.PUBLISHED_AT, "{now}").where(isPendingAsSeen()));
    }

    private String isPendingAsSeen() {
        return isById(Status.PENDING) + " and " + name(Column.ATTEMPTS) + " = %d";
    }

    /** For what its consumer was faster to say. */
    String publishedBeforeConsumed() {
        return listed(new Update().set(Column.PUBLISHED_AT, "{now}").where(unpublished()));
    }

    /** Parameters: attempts, error if there is a column for it, microseconds, seen attempts, id. */
    String retry(boolean open) {
        return new Update()
                .to(Status.PENDING)
                .set(Column.ATTEMPTS, "?")
                .set(Column.LAST_ERROR, "?")
                .set(Column.NEXT_ATTEMPT_AT, "{fromNow}")
                .where(isSettled(open));
    }

    /** Parameters: attempts, error if there is a column for it, seen attempts, id. */
    String dead(boolean open) {
        return new Update()
                .to(Status.DEAD)
                .set(Column.ATTEMPTS, "?")
                .set(Column.LAST_ERROR, "?")
                .set(Column.NEXT_ATTEMPT_AT, "null")
                .where(isSettled(open));
    }

    /** As {@link #retry}, for a row that refuses the rest. Parameters: microseconds, seen attempts, id. */
    String retryOnly(boolean open) {
        return new Update()
                .to(Status.PENDING)
                .set(Column.NEXT_ATTEMPT_AT, "{fromNow}")
                .where(isSettled(open));
    }

    /** As {@link #dead}, for a row that refuses the rest. Parameters: seen attempts, id. */
    String deadOnly(boolean open) {
        return new Update().to(Status.DEAD).set(Column.NEXT_ATTEMPT_AT, "null").where(isSettled(open));
    }

    private String isSettled(boolean open) {
        return (open ? isOpen() : isById(Status.PENDING)) + seen();
    }

    private String seen() {
        return " and " + name(Column.ATTEMPTS) + " = ? and " + id() + " = ?";
    }

    // --- Receipts ----------------------------------------------------------------------------------------------------

    String consumed() {
        return listed(consume().where(isNotConsumed()));
    }

    /** Parameters: id, and the event's id if there is a column for it. */
    String consumedOne() {
        String same = layout.has(Column.EVENT_ID) ? " and " + name(Column.EVENT_ID) + " = ?" : "";
        return consume().where(isNotConsumed() + " and " + id() + " = ?" + same);
    }

    private Update consume() {
        return new Update().to(Status.CONSUMED).set(Column.CONSUMED_AT, "{now}").set(Column.NEXT_ATTEMPT_AT, "null");
    }

    /** Id, event id, attempts, limit, generation, status. */
    String receiptRows() {
        return receiptColumns() + " where " + id() + " %s";
    }

    /** The same of those that may still change, which it locks, but not those that somebody else has locked. */
    String lockReceiptRows() {
        return listed(receiptColumns() + " where " + isNotConsumed()) + dialect.skipLocked();
    }

    private String receiptColumns() {
        return "select " + id() + ", " + read(Column.EVENT_ID) + ", " + name(Column.ATTEMPTS) + ", "
                + read(Column.MAX_ATTEMPTS) + ", " + read(Column.GENERATION) + ", " + name(Column.STATUS) + " from "
                + byId();
    }

    /** Locks those that are published, but not those that somebody else has locked. */
    String lockPublished() {
        return lock(isById(Status.PUBLISHED));
    }

    String republish() {
        return listed(new Update()
                .to(Status.PENDING)
                .set(Column.NEXT_ATTEMPT_AT, dueAtOnce())
                .where(isById(Status.PUBLISHED)));
    }

    private String dueAtOnce() {
        return layout.dueNow() ? "{now}" : "null";
    }

    private Column publishedAt() {
        return layout.has(Column.PUBLISHED_AT) ? Column.PUBLISHED_AT : Column.UPDATED_AT;
    }

    String countUnconsumed() {
        return dialect.sql("select count(*), coalesce(max(" + readNanos("nanosSince", publishedAt()) + "), 0) from "
                + table + " " + hint(Status.PUBLISHED) + " where " + is(Status.PUBLISHED) + " and "
                + name(publishedAt())
                + " < {fromNow}");
    }

    /**
     * Id of the consumed event with the highest one, and when it was published, in microseconds; looks at ids above its
     * first parameter. Where the table does not say when events were published, their ids go for it.
     */
    String newestConsumed() {
        boolean timed = layout.has(Column.PUBLISHED_AT);
        return dialect.sql("select " + id() + ", " + (timed ? "{micros:" + name(Column.PUBLISHED_AT) + "}" : "0")
                + " from " + byId() + " where " + id() + " > ? and " + isById(Status.CONSUMED)
                + (timed ? " and " + name(Column.PUBLISHED_AT) + " is not null" : "") + " order by " + id()
                + " desc limit 1");
    }

    /** Parameters: microseconds, {@link #newestConsumed}'s microseconds or, without, its id; id, limit. */
    String passedOver() {
        String passed = layout.has(Column.PUBLISHED_AT) ? name(Column.PUBLISHED_AT) + " < {atMicros}" : id() + " < ?";
        return dialect.sql("select " + id() + " from " + table + " " + hint(Status.PUBLISHED) + " where "
                + is(Status.PUBLISHED) + " and "
                + name(publishedAt()) + " < {fromNow} and " + passed + " and " + id() + " > ? order by " + id()
                + " limit ?");
    }

    // --- Operating ---------------------------------------------------------------------------------------------------

    String requeue() {
        return listed(new Update()
                .to(Status.PENDING)
                .set(Column.ATTEMPTS, "0")
                .set(Column.GENERATION, "coalesce(" + read(Column.GENERATION) + ", 0) + 1")
                .set(Column.NEXT_ATTEMPT_AT, dueAtOnce())
                .where(isById(Status.DEAD)));
    }

    /** Dead events with a key, in id order, by the index that leads to dead rows where there is one. */
    String deadInOrder() {
        String key = name(Column.KEY);
        return "select " + id() + ", " + key + " " + from(Status.DEAD) + " and " + key + " is not null and " + key
                + " <> '' and " + position() + " > ?" + inOrder();
    }

    String lastId() {
        return "select max(" + id() + ") from " + table;
    }

    String counts() {
        String status = name(Column.STATUS);
        return "select " + status + ", count(*) from " + table + " group by " + status;
    }

    /** Pending, dead, nanoseconds since the oldest pending event was written. */
    String backlog() {
        return dialect.sql("select (select count(*) " + fromPending() + "), (select count(*) from " + table + " where "
                + is(Status.DEAD) + "), coalesce((" + oldest() + "), 0)");
    }

    private String oldest() {
        String age = readNanos("nanosSince", Column.CREATED_AT);
        return layout.pendingIndex() == null
                ? "select " + age + " from " + table + " where " + id() + " = (select min(" + id() + ") "
                        + fromPending() + ")"
                : "select " + age + " " + fromPending() + " order by " + dialect.pendingOrder(id(), name(Column.STATUS))
                        + " limit 1";
    }

    String aged() {
        String created = readNanos("nanosSince", Column.CREATED_AT);
        Column last = layout.has(Column.UPDATED_AT) ? Column.UPDATED_AT : publishedAt();
        String rest = layout.has(last) ? readNanos("nanosSince", last) : created;
        return dialect.sql("select " + id() + ", " + name(Column.STATUS) + ", coalesce(" + rest + ", " + created
                + ", 0), coalesce(" + created + ", " + rest + ", 0) from " + table + " where " + id()
                + " > ? order by " + id() + " limit ?");
    }

    String delete(Collection<Status> statuses) {
        return listed(dialect.deleteFrom(table, byId()) + " where " + isById(statuses.toArray(Status[]::new)));
    }
}
