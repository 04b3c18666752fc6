package dev.posthaste.reliability.simulation;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowOperatorStore;
import dev.posthaste.relay.internal.ReplayRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Operators who replay published events, cancel and interrupt replays, continue what another process left, and requeue
 * or discard given rows, which may be locked: they wait in the middle of their work.
 */
final class Replayers {
    private final Surroundings around;
    private final Schedule schedule;
    private final Random random;
    private final Oracle truth;
    private final Node node;
    private final SimulatedThread thread;
    private final OutboxDefinition outbox;
    private final StoreOutboxAdmin admin;
    private final Desk desk;

    /** The work that they have to finish, whatever happens to their processes. */
    static final class Desk {
        private final List<Begun> open = new ArrayList<>();
        private int changes;
        private int runners;

        boolean isClear() {
            return open.isEmpty();
        }

        private Change change() {
            return Change.by("operator", "it was time").id("given-" + ++changes);
        }

        private String runner() {
            return "runner-" + ++runners;
        }
    }

    /** @param due the row of each event that had to be sent when it began */
    private record Begun(Change change, Status status, int perSecond, Map<String, Fate.Seen> due) {}

    Replayers(Surroundings around, Node node, Desk desk) {
        this.around = around;
        this.schedule = around.schedule;
        this.random = around.random;
        this.truth = around.truth;
        this.node = node;
        this.thread = new SimulatedThread(schedule, node);
        this.outbox = around.configuration.outbox();
        this.admin = new StoreOutboxAdmin(
                outbox, new RowOperatorStore(around.dataSource(node), Dialect.POSTGRESQL, outbox, null, thread));
        this.desk = desk;
    }

    /** Works all the time; the thread must be abandoned if it still sleeps at the end of the run. */
    SimulatedThread start() {
        thread.start(() -> {
            while (true) {
                thread.sleep(1 + random.nextLong(1_200_000_000L));
                act();
            }
        });
        return thread;
    }

    private void act() {
        if (!desk.open.isEmpty() && (around.calm() || random.nextBoolean())) {
            replay(desk.open.get(random.nextInt(desk.open.size())));
        } else if (!around.calm() && random.nextBoolean()) {
            Status status = outbox.tracked() && random.nextBoolean() ? Status.CONSUMED : Status.PUBLISHED;
            Begun begun = new Begun(
                    desk.change(),
                    status,
                    10 + random.nextInt(200),
                    truth.fates().seen(status.code()));
            desk.open.add(begun);
            replay(begun);
        } else if (!around.calm()) {
            change();
        }
    }

    private void replay(Begun begun) {
        ReplayRun replay = new ReplayRun(
                admin,
                new ReplayPlan(EventFilter.status(begun.status()), null, null, begun.perSecond()),
                around.broker.forReplays(node, new Replayed.Attempt(begun.perSecond())),
                begun.change(),
                desk.runner(),
                thread);
        if (!around.calm() && random.nextInt(3) == 0) {
            schedule.in(
                    random.nextLong(1_000_000_000L),
                    node,
                    new Object(),
                    random.nextBoolean() ? replay::cancel : replay::interrupt);
        }
        replay.run();
        node.requireAlive(); // its death, which the replay took for a failure
        ReplayRun.Progress progress = replay.progress();
        schedule.happened("%s: %s", node, progress);
        switch (progress.state()) {
            case FINISHED -> {
                truth.replayed().finished(begun.change().id(), begun.due(), progress.failed());
                ended(begun, progress);
            }
            case CANCELLED -> ended(begun, progress);
            case FAILED -> truth.require(false, "replay", "%s failed: %s", progress.id(), progress.errors());
            default -> {
                // it is continued later
            }
        }
    }

    /** A replay that is over reports the same when it is requested again. */
    private void ended(Begun begun, ReplayRun.Progress progress) {
        if (progress.repeated() || random.nextBoolean()) {
            desk.open.remove(begun);
        }
    }

    /** Changes some dead rows, and perhaps one that is not dead. */
    private void change() {
        List<Long> rows = new ArrayList<>(truth.fates().dead());
        rows.removeIf(row -> random.nextInt(3) == 0);
        rows.addAll(truth.fates().open().stream().limit(random.nextInt(2)).toList());
        Change change = desk.change();
        Action action = random.nextInt(3) == 0 ? Action.DISCARD : Action.REQUEUE;
        try {
            ChangeResult result = admin.store().change(action, change, rows);
            truth.requireChanged(change.id(), result.events());
        } catch (StoreException e) {
            // not repeated
        }
    }
}
