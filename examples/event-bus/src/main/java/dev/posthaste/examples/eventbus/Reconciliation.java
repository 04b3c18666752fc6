package dev.posthaste.examples.eventbus;

import dev.posthaste.OutboxDefinition;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The outcome of a run's events, found by comparing the tables: a conversation with five messages has a history of 1 to
 * 5 and a memory of 1 to 5; a task with three steps has a log of 1 to 3.
 *
 * @param outboxes by service
 * @param chain from the message to the memory, across two outboxes
 */
record Reconciliation(Map<String, OfOutbox> outboxes, OfChain chain) {

    /**
     * One outbox, and the effects of its events.
     *
     * @param written rows in the outbox
     * @param published rows that are published or consumed
     * @param consumed rows that are consumed
     * @param duplicates effects that duplicate another effect
     * @param lost messages, steps or events without an effect
     * @param phantoms effects or events of something that never happened
     * @param outOfOrder effects that came after an effect that should follow them
     * @param dead rows that were given up on
     */
    record OfOutbox(
            long written,
            long published,
            long consumed,
            long duplicates,
            long lost,
            long phantoms,
            long outOfOrder,
            long dead) {
        boolean complete() {
            return published == written && consumed == written && duplicates + lost + phantoms + outOfOrder + dead == 0;
        }

        private String json() {
            return String.format(
                    Locale.ROOT,
                    "{\"written\":%d,\"published\":%d,\"consumed\":%d,\"duplicates\":%d,\"lost\":%d,\"phantoms\":%d,"
                            + "\"outOfOrder\":%d,\"dead\":%d}",
                    written,
                    published,
                    consumed,
                    duplicates,
                    lost,
                    phantoms,
                    outOfOrder,
                    dead);
        }
    }

    /** Chains that were started, and how they ended. */
    record OfChain(long started, long ended, long duplicates, long lost, long phantoms, long outOfOrder) {
        boolean complete() {
            return ended == started && duplicates + lost + phantoms + outOfOrder == 0;
        }

        private String json() {
            return String.format(
                    Locale.ROOT,
                    "{\"started\":%d,\"ended\":%d,\"duplicates\":%d,\"lost\":%d,\"phantoms\":%d,\"outOfOrder\":%d}",
                    started,
                    ended,
                    duplicates,
                    lost,
                    phantoms,
                    outOfOrder);
        }
    }

    /** A row of a service's own tables: number {@code seq} of a name, and its event. */
    private record Effect(String name, int seq, String eventId) {}

    /** A row of an outbox. */
    private record Written(String eventId, String status) {}

    /** A list of effects compared with the expected one. */
    private record Compared(long there, long duplicates, long lost, long phantoms, long outOfOrder) {
        static Compared of(Map<String, Integer> truth, List<Effect> effects) {
            Map<String, Set<Integer>> seen = new HashMap<>();
            Map<String, Integer> latest = new HashMap<>();
            long duplicates = 0;
            long phantoms = 0;
            long outOfOrder = 0;
            for (Effect effect : effects) {
                if (effect.seq() < 1 || effect.seq() > truth.getOrDefault(effect.name(), 0)) {
                    phantoms++;
                    continue;
                }
                if (!seen.computeIfAbsent(effect.name(), name -> new HashSet<>())
                        .add(effect.seq())) {
                    duplicates++;
                }
                if (latest.getOrDefault(effect.name(), 0) > effect.seq()) {
                    outOfOrder++;
                }
                latest.merge(effect.name(), effect.seq(), Math::max);
            }
            long there = seen.values().stream().mapToLong(Set::size).sum();
            return new Compared(there, duplicates, count(truth) - there, phantoms, outOfOrder);
        }
    }

    private static long count(Map<String, Integer> truth) {
        return truth.values().stream().mapToLong(Integer::longValue).sum();
    }

    /** @param run the prefix of the names of the run's conversations and tasks */
    static Reconciliation of(Tables tables, String run) throws SQLException {
        Map<String, Integer> messages = truth(tables, "select id, messages from conversation", run);
        Map<String, Integer> steps = truth(tables, "select id, steps from task", run);
        List<Effect> history = effects(tables, "select conversation, seq, event_id from chat_history order by id", run);
        List<Effect> memories = effects(tables, "select conversation, seq, event_id from memory order by id", run);
        List<Effect> log = effects(tables, "select task, step, event_id from task_log order by id", run);
        Map<String, Integer> remembered = new HashMap<>();
        history.forEach(each -> remembered.merge(each.name(), each.seq(), Math::max));

        Map<String, OfOutbox> outboxes = new LinkedHashMap<>();
        for (OutboxDefinition outbox : EventBus.CATALOG.outboxes()) {
            List<Written> written = written(tables, outbox, run);
            switch (outbox.name()) {
                case AgentService.NAME -> outboxes.put(outbox.name(), ofOutbox(written, messages, history));
                case TaskService.NAME -> outboxes.put(outbox.name(), ofOutbox(written, steps, log));
                default -> outboxes.put(outbox.name(), ofOutbox(written, remembered, memories));
            }
        }
        Compared chain = Compared.of(messages, memories);
        return new Reconciliation(
                outboxes,
                new OfChain(
                        count(messages),
                        chain.there(),
                        chain.duplicates(),
                        chain.lost(),
                        chain.phantoms(),
                        chain.outOfOrder()));
    }

    private static OfOutbox ofOutbox(List<Written> written, Map<String, Integer> truth, List<Effect> effects) {
        Compared compared = Compared.of(truth, effects);
        Set<String> events = new HashSet<>();
        written.forEach(each -> events.add(each.eventId()));
        Set<String> handled = new HashSet<>();
        long duplicates = 0;
        long phantoms = Math.max(0, written.size() - count(truth));
        for (Effect effect : effects) {
            if (!events.contains(effect.eventId())) {
                phantoms++;
            } else if (!handled.add(effect.eventId())) {
                duplicates++;
            }
        }
        long unhandled = events.stream().filter(id -> !handled.contains(id)).count();
        return new OfOutbox(
                written.size(),
                count(written, Set.of("published", "consumed")),
                count(written, Set.of("consumed")),
                Math.max(compared.duplicates(), duplicates),
                Math.max(compared.lost(), unhandled),
                Math.max(compared.phantoms(), phantoms),
                compared.outOfOrder(),
                count(written, Set.of("dead")));
    }

    private static long count(List<Written> written, Set<String> statuses) {
        return written.stream().filter(each -> statuses.contains(each.status())).count();
    }

    private static Map<String, Integer> truth(Tables tables, String sql, String run) throws SQLException {
        Map<String, Integer> truth = new HashMap<>();
        tables.query(sql, row -> truth.put(row.getString(1), row.getInt(2)));
        truth.keySet().removeIf(name -> !name.startsWith(run));
        return truth;
    }

    private static List<Effect> effects(Tables tables, String sql, String run) throws SQLException {
        List<Effect> effects = new ArrayList<>(
                tables.query(sql, row -> new Effect(row.getString(1), row.getInt(2), row.getString(3))));
        effects.removeIf(effect -> !effect.name().startsWith(run));
        return effects;
    }

    private static List<Written> written(Tables tables, OutboxDefinition outbox, String run) throws SQLException {
        return tables.query(
                "select event_id, status from " + tables.quoted(outbox.table()) + " where event_key like ?",
                row -> new Written(row.getString(1), row.getString(2)),
                run + "%");
    }

    /** Whether every chain ended once and in order, and every row is consumed. */
    boolean complete() {
        return chain.complete() && outboxes.values().stream().allMatch(OfOutbox::complete);
    }

    /** The progress so far: the number of effects of all kinds. */
    long progress() {
        return chain.ended()
                + outboxes.values().stream().mapToLong(OfOutbox::consumed).sum();
    }

    String json(double seconds) {
        StringBuilder json = new StringBuilder("{");
        outboxes.forEach((name, each) ->
                json.append('"').append(name).append("\":").append(each.json()).append(','));
        return json.append("\"chain\":")
                .append(chain.json())
                .append(String.format(Locale.ROOT, ",\"seconds\":%.1f}", seconds))
                .toString();
    }
}
