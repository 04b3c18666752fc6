package dev.posthaste.examples.configcenter;

import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The outcome of a load run's changes, found by comparing the tables. The configurations themselves are the truth: a
 * configuration at version 5 was changed four times and must have a history of versions 1 to 4.
 *
 * @param written events in the outbox
 * @param published those that the relay marked as published
 * @param consumed those that the inbox notes as handled
 * @param history records in the history
 * @param duplicates records of a state or an event that already has another record
 * @param lost changes without a record, or events without one
 * @param phantoms records or events of changes that never happened
 * @param outOfOrder records that came after one of a later version
 * @param dead events that were given up on
 */
record Reconciliation(
        long written,
        long published,
        long consumed,
        long history,
        long duplicates,
        long lost,
        long phantoms,
        long outOfOrder,
        long dead) {

    /** The value that a load run gives version {@code version}; the history is checked against it. */
    static String value(long version, boolean rolledBack) {
        return "{\"version\":" + version + (rolledBack ? ",\"never\":true}" : "}");
    }

    /** How many changes were made to these configurations after their first release. */
    static long changes(List<Config> configs) {
        return configs.stream()
                .mapToLong(config -> Math.max(0, config.version() - 1))
                .sum();
    }

    private record OutboxRow(String eventId, String key, String status) {}

    static Reconciliation of(Database database, String module) throws SQLException {
        List<Config> configs = new ConfigTable(database).ofModule(module);
        Map<Long, Config> byId = new HashMap<>();
        configs.forEach(config -> byId.put(config.id(), config));
        List<OutboxRow> outbox = database
                .query(
                        "select event_id, event_key, status from \"outbox_events\"",
                        row -> new OutboxRow(row.getString(1), row.getString(2), row.getString(3)))
                .stream()
                .filter(row -> byId.containsKey(Long.valueOf(row.key())))
                .toList();
        Set<String> handled = new HashSet<>(database.query(
                "select event_id from posthaste_inbox where consumer = ?",
                row -> row.getString(1),
                Application.CONSUMER));
        return of(byId, outbox, handled, new HistoryTable(database).ofModule(module));
    }

    private static Reconciliation of(
            Map<Long, Config> configs, List<OutboxRow> outbox, Set<String> handled, List<HistoryTable.Entry> history) {
        Set<String> written = outbox.stream().map(OutboxRow::eventId).collect(Collectors.toSet());
        long changes = changes(List.copyOf(configs.values()));
        Map<Long, Set<Long>> recorded = new HashMap<>();
        Map<Long, Long> latest = new HashMap<>();
        Set<String> events = new HashSet<>();
        long duplicates = 0;
        long phantoms = Math.max(0, written.size() - changes);
        long outOfOrder = 0;
        for (HistoryTable.Entry entry : history) {
            Config config = configs.get(entry.configId());
            boolean real = config != null
                    && entry.version() < config.version()
                    && entry.configValue().equals(value(entry.version(), false))
                    && written.contains(entry.eventId());
            if (!real) {
                phantoms++;
                continue;
            }
            boolean firstOfState = recorded.computeIfAbsent(entry.configId(), id -> new HashSet<>())
                    .add(entry.version());
            boolean firstOfEvent = events.add(entry.eventId());
            if (!firstOfState || !firstOfEvent) {
                duplicates++;
            }
            if (latest.getOrDefault(entry.configId(), 0L) > entry.version()) {
                outOfOrder++;
            }
            latest.merge(entry.configId(), entry.version(), Math::max);
        }
        long states = recorded.values().stream().mapToLong(Set::size).sum();
        long unrecorded = written.stream().filter(id -> !events.contains(id)).count();
        return new Reconciliation(
                written.size(),
                count(outbox, Set.of("published", "consumed")),
                written.stream().filter(handled::contains).count(),
                history.size(),
                duplicates,
                Math.max(changes - states, unrecorded),
                phantoms,
                outOfOrder,
                count(outbox, Set.of("dead")));
    }

    private static long count(List<OutboxRow> outbox, Set<String> statuses) {
        return outbox.stream().filter(row -> statuses.contains(row.status())).count();
    }

    /** Whether the relay has not marked all events yet. */
    boolean unsettled() {
        return published + dead < written;
    }

    /** Whether every change has its record, once and in order, and nothing else has. */
    boolean complete() {
        return published == written
                && consumed == written
                && history == written
                && duplicates + lost + phantoms + outOfOrder + dead == 0;
    }

    String json(double seconds) {
        return String.format(
                Locale.ROOT,
                "{\"written\":%d,\"published\":%d,\"consumed\":%d,\"history\":%d,\"duplicates\":%d,\"lost\":%d,"
                        + "\"phantoms\":%d,\"outOfOrder\":%d,\"dead\":%d,\"seconds\":%.1f}",
                written,
                published,
                consumed,
                history,
                duplicates,
                lost,
                phantoms,
                outOfOrder,
                dead,
                seconds);
    }
}
