package dev.posthaste.reliability.simulation;

import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowOperatorStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.LongPredicate;

/**
 * Operators who requeue dead events, discard and purge, pause and resume, while relays and consumers work. A change
 * that stopped half-way, or whose outcome is unknown, is repeated with its id until it reports that it is complete.
 */
final class Operators {
    /** The minimum age of purged events. */
    static final Duration PURGED_AFTER = Duration.ofSeconds(1);

    private static final EventFilter DEAD = EventFilter.status(Status.DEAD);

    private final Random random;
    private final Oracle truth;
    private final StoreOutboxAdmin admin;
    private final Set<Status> purged;
    private final Desk desk;

    /** The work that the operators have to finish, whatever happens to their consoles. */
    static final class Desk {
        private final List<Begun> open = new ArrayList<>();
        private boolean maybePaused;
        private int changes;

        boolean isClear() {
            return open.isEmpty() && !maybePaused;
        }
    }

    private record Begun(Action action, Change change) {}

    Operators(Surroundings around, Node node, Desk desk) {
        this.random = around.random;
        this.truth = around.truth;
        this.admin = new StoreOutboxAdmin(
                around.configuration.outbox(),
                new RowOperatorStore(around.dataSource(node), Dialect.POSTGRESQL, around.configuration.outbox(), null));
        this.purged = around.configuration.tracked
                ? Set.of(Status.CONSUMED, Status.DEAD)
                : Set.of(Status.PUBLISHED, Status.DEAD);
        this.desk = desk;
    }

    /** @param tidyingUp whether only to finish what has begun */
    void act(boolean tidyingUp) {
        if (tidyingUp || (!desk.open.isEmpty() && random.nextBoolean())) {
            if (!desk.open.isEmpty()) {
                make(desk.open.get(random.nextInt(desk.open.size())), done -> tidyingUp || random.nextBoolean());
            } else if (desk.maybePaused) {
                pause(false);
            }
            return;
        }
        switch (random.nextInt(5)) {
            case 0 -> begin(Action.REQUEUE);
            case 1 -> begin(Action.DISCARD);
            case 2 -> begin(Action.PURGE);
            case 3 -> pause(true);
            default -> pause(false);
        }
    }

    private Change change() {
        return Change.by("operator", "it was time").id("change-" + ++desk.changes);
    }

    private void begin(Action action) {
        Begun begun = new Begun(action, change());
        desk.open.add(begun);
        make(begun, done -> random.nextInt(4) > 0);
    }

    private void make(Begun begun, LongPredicate goOn) {
        try {
            ChangeResult result = switch (begun.action()) {
                case REQUEUE -> admin.requeue(DEAD, begun.change(), goOn);
                case DISCARD -> admin.discard(DEAD, begun.change(), goOn);
                default -> admin.purge(PURGED_AFTER, purged, begun.change(), goOn);
            };
            if (result.repeated()) {
                truth.requireChanged(begun.change().id(), result.events());
                desk.open.remove(begun);
            }
        } catch (StoreException e) {
            // it is repeated
        } catch (IllegalStateException e) {
            desk.open.remove(begun); // relays disagree about the outbox, and will for an hour
        }
    }

    private void pause(boolean pause) {
        desk.maybePaused |= pause;
        try {
            if (pause) {
                admin.pause(change());
            } else {
                admin.resume(change());
                desk.maybePaused = false;
            }
        } catch (StoreException e) {
            // tried again later
        }
    }
}
