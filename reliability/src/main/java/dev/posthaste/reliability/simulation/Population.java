package dev.posthaste.reliability.simulation;

import dev.posthaste.StoreException;
import dev.posthaste.reliability.simulation.World.Trait;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** The processes of a run: they start and die, and others take their places. */
final class Population {
    private static final long SECOND = 1_000_000_000L;
    /** How long a thread waits after its database failed. */
    private static final long AFTER_A_FAILURE = 100_000_000L;

    private final Surroundings around;
    private final Node operator = new Node(Node.Role.OPERATOR, "world", 0);
    private final List<Node> nodes = new ArrayList<>();
    private final Map<Node.Role, Consumer<String>> starts = new EnumMap<>(Node.Role.class);
    private int incarnations;

    Population(Surroundings around) {
        this.around = around;
    }

    /** @param start starts a process in the place with the given name */
    void startBy(Node.Role role, Consumer<String> start) {
        starts.put(role, start);
    }

    void start(Node.Role role, String place) {
        Objects.requireNonNull(starts.get(role)).accept(place);
    }

    /** A new process. */
    Node add(Node.Role role, String place, long skew) {
        return add(new Node(role, place + "." + ++incarnations, skew));
    }

    Node add(Node node) {
        nodes.add(node);
        return node;
    }

    /** How many were started, without writers. */
    int incarnations() {
        return incarnations;
    }

    /** Those that are alive or whose death has not been noticed. */
    List<Node> living() {
        return nodes;
    }

    // --- Work --------------------------------------------------------------------------------------------------------

    /** Repeats the work: immediately while there is more, and after a while when the database failed. */
    void repeat(Node node, Object thread, long wait, long gap, BooleanSupplier work) {
        around.schedule.in(wait, node, thread, () -> {
            long next = gap;
            try {
                if (work.getAsBoolean()) {
                    next = 200_000L;
                }
            } catch (StoreException e) {
                next = AFTER_A_FAILURE;
            }
            repeat(node, thread, next, gap, work);
        });
    }

    void repeat(Node node, long gap, BooleanSupplier work) {
        repeat(node, new Object(), around.random.nextLong(gap), gap, work);
    }

    /** Repeats work to which no faults happen. */
    void every(long nanos, Runnable work) {
        around.schedule.in(nanos, operator, new Object(), () -> {
            work.run();
            every(nanos, work);
        });
    }

    void in(long nanos, Runnable work) {
        around.schedule.in(nanos, operator, new Object(), work);
    }

    // --- Death -------------------------------------------------------------------------------------------------------

    void kill(Node node) {
        if (node.dead() || around.calm()) {
            return;
        }
        Node partner = node.partner();
        if (partner != null && node.role == Node.Role.CONSUMER) {
            kill(partner);
            return;
        }
        around.schedule.happened("%s dies", node);
        if (around.world.has(Trait.VANISHING) && node.role != Node.Role.WRITER) {
            vanish(node);
        } else {
            node.die();
            if (partner != null) {
                partner.die();
            }
        }
        nodes.remove(node);
        String place = node.name.substring(0, node.name.indexOf('.') < 0 ? node.name.length() : node.name.indexOf('.'));
        in(1 + around.random.nextLong(SECOND), () -> start(node.role, place));
    }

    private void vanish(Node node) {
        around.nemesis.watchSilence(node);
        node.vanish();
        Node partner = node.partner();
        if (partner != null && !partner.dead()) {
            vanish(partner);
        }
    }
}
