package dev.posthaste.jdbc;

import dev.posthaste.Status;
import dev.posthaste.jdbc.TableLayout.Column;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The text of every statement on an outbox's table. Where a statement takes a list of ids, it holds one {@code %s} for the
 * comparison with them. Immutable.
 */
final class OutboxStatements {
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

    private String readNanos(String mark, Column column) {
        return layout.has(column) ? "{" + mark + ":" + name(column) + "}" : "0";
    }

    String is(Status status) {
        return name(Column.STATUS) + " = " + layout.literal(status);
    }

    private String isOneOf(Collection<Status> statuses) {
        return statuses.stream()
                .map(layout::literal)
                .collect(Collectors.joining(", ", name(Column.STATUS) + " in (", ")"));
    }

    private String isOpen() {
        return isOneOf(List.of(Status.PENDING, Status.PUBLISHED));
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

    private String hint() {
        return layout.pendingIndex() == null ? "" : dialect.pendingHint(layout);
    }

    private String fromPending() {
        return from(Status.PENDING);
    }

    /** Rows of one status, by the index that knows it. */
    String from(Status status) {
        return "from " + table + " " + hint() + " where " + is(status);
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

    String events() {
        return "select " + id() + ", " + read(Column.EVENT_ID) + ", " + name(Column.TYPE) + ", "
                + read(Column.VERSION) + ", " + read(Column.KEY) + ", " + read(Column.DESTINATION) + ", "
                + read(Column.ROUTING_KEY) + ", " + read(Column.HEADERS) + ", " + name(Column.PAYLOAD) + ", "
                + name(Column.ATTEMPTS) + ", " + read(Column.MAX_ATTEMPTS) + ", "
                + readNanos("nanosUntil", Column.NEXT_ATTEMPT_AT) + ", " + readNanos("nanosSince", Column.CREATED_AT)
                + " ";
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
            return dialect.sql("update " + table + " set " + String.join(", ", sets) + " where " + condition);
        }
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
                case ID, LAST_ERROR, PUBLISHED_AT, CONSUMED_AT -> null;
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
        return dialect.sql(events() + fromPending + " and " + position() + " > ?" + inOrder());
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
        return dialect.sql("select " + id() + ", " + read(Column.KEY) + ", "
                + readNanos("nanosUntil", Column.NEXT_ATTEMPT_AT) + " " + fromPending + " and " + position()
                + " > ? and " + position() + " <= ?" + inOrder());
    }

    /** How many are pending, but no more than so many. */
    String countPendingUpTo(int most) {
        return "select count(*) from (select 1 " + fromPending() + " limit " + most + ") pending";
    }

    String load() {
        return listed(dialect.sql(events() + "from " + table + " where " + is(Status.PENDING))) + " order by " + id();
    }

    // --- Settling ----------------------------------------------------------------------------------------------------

    /** Locks those that are pending and that nobody else is changing just now; empty where the database cannot. */
    String lockPending() {
        return lock(is(Status.PENDING));
    }

    /** The same of those that were consumed before they were known to be published. */
    String lockConsumed() {
        return lock(unpublished());
    }

    private String lock(String condition) {
        return dialect.lockFree().isEmpty()
                ? ""
                : listed("select " + id() + " from " + table + " where " + condition) + " " + dialect.lockFree();
    }

    private String unpublished() {
        return is(Status.CONSUMED) + " and " + name(Column.PUBLISHED_AT) + " is null";
    }

    /** Also takes the attempts that were seen, as a number in its {@code %d}. */
    String published() {
        return listed(new Update()
                .to(Status.PUBLISHED)
                .set(Column.PUBLISHED_AT, "{now}")
                .set(Column.NEXT_ATTEMPT_AT, "null")
                .where(is(Status.PENDING) + " and " + name(Column.ATTEMPTS) + " = %d"));
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
                .where((open ? isOpen() : is(Status.PENDING)) + seen());
    }

    /** Parameters: attempts, error if there is a column for it, seen attempts, id. */
    String dead(boolean open) {
        return new Update()
                .to(Status.DEAD)
                .set(Column.ATTEMPTS, "?")
                .set(Column.LAST_ERROR, "?")
                .set(Column.NEXT_ATTEMPT_AT, "null")
                .where((open ? isOpen() : is(Status.PENDING)) + seen());
    }

    private String seen() {
        return " and " + name(Column.ATTEMPTS) + " = ? and " + id() + " = ?";
    }

    // --- Receipts ----------------------------------------------------------------------------------------------------

    String consumed() {
        return listed(consume().where(isOpen()));
    }

    /** Parameters: id, and the event's id if there is a column for it. */
    String consumedOne() {
        String same = layout.has(Column.EVENT_ID) ? " and " + name(Column.EVENT_ID) + " = ?" : "";
        return consume().where(isOpen() + " and " + id() + " = ?" + same);
    }

    private Update consume() {
        return new Update().to(Status.CONSUMED).set(Column.CONSUMED_AT, "{now}").set(Column.NEXT_ATTEMPT_AT, "null");
    }

    String open() {
        return listed("select " + id() + ", " + read(Column.EVENT_ID) + ", " + name(Column.ATTEMPTS) + ", "
                + read(Column.MAX_ATTEMPTS) + " from " + table + " where " + isOpen());
    }

    private Column publishedAt() {
        return layout.has(Column.PUBLISHED_AT) ? Column.PUBLISHED_AT : Column.UPDATED_AT;
    }

    String countUnconsumed() {
        return dialect.sql("select count(*), coalesce(max(" + readNanos("nanosSince", publishedAt()) + "), 0) from "
                + table + " " + hint() + " where " + is(Status.PUBLISHED) + " and " + name(publishedAt())
                + " < {fromNow}");
    }

    String unconsumed() {
        return dialect.sql(events() + "from " + table + " " + hint() + " where " + is(Status.PUBLISHED) + " and "
                + name(publishedAt()) + " < {fromNow} order by " + id() + " limit ?");
    }

    // --- Operating ---------------------------------------------------------------------------------------------------

    String requeue() {
        return listed(new Update()
                .to(Status.PENDING)
                .set(Column.ATTEMPTS, "0")
                .set(Column.NEXT_ATTEMPT_AT, layout.dueNow() ? "{now}" : "null")
                .where(is(Status.DEAD)));
    }

    String deadKeys() {
        String key = name(Column.KEY);
        return "select " + key + ", min(" + id() + ") from " + table + " where " + is(Status.DEAD) + " and " + key
                + " is not null group by " + key + " limit ?";
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
        return listed("delete from " + table + " where " + isOneOf(known(statuses)));
    }
}
