package dev.posthaste.reliability.simulation;

import dev.posthaste.Catalog;
import dev.posthaste.StoreException;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import dev.posthaste.reliability.simulation.World.Trait;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;

/** Starts relays, and runs their threads. */
final class Relays {
    private static final long SECOND = 1_000_000_000L;
    /** The number of processes that start at about the same time. */
    private static final int FIRST = 3;

    private final Surroundings around;
    private final Random random;
    private final Population population;
    private final Plugins plugins;
    private final Consumers consumers;
    private final List<Node> all = new ArrayList<>();

    Relays(Surroundings around, Population population, Plugins plugins, Consumers consumers) {
        this.around = around;
        this.random = around.random;
        this.population = population;
        this.plugins = plugins;
        this.consumers = consumers;
    }

    void start(String place) {
        long skew = random.nextInt(4) == 0 ? (random.nextBoolean() ? 1 : -1) * 7_200 * SECOND : 0;
        Node node = population.add(Node.Role.RELAY, place, skew);
        all.add(node);
        long booted = random.nextLong(SECOND);
        Object settler = new Object();
        Schedule schedule = around.schedule;
        Relay.Builder builder = Relay.builder(
                        around.dataSource(node),
                        catalog().all(o -> around.configuration.policy.apply(o).format(plugins.format())),
                        around.world.has(Trait.LOCAL) ? consumers.local(node) : around.broker.seenBy(node))
                .name(node.name)
                .listener(plugins.listener());
        RelayTesting.clock(builder, () -> schedule.now() + booted);
        RelayTesting.random(builder, random);
        ManualRelay relay = RelayTesting.manual(
                around.configuration.relays.applyTo(builder),
                work -> schedule.in(1 + random.nextLong(2_000_000L), node, settler, work));
        population.repeat(node, Configuration.LEASE.toNanos() / 12, () -> {
            relay.keepLeases();
            return false;
        });
        population.repeat(node, 4_000_000L, () -> !node.hangs() && works(relay::passWithoutLeases));
        population.repeat(
                node,
                300_000_000L,
                () -> works(() -> {
                    relay.keepHouse();
                    return false;
                }));
    }

    /** Only database failures escape from a relay's work: anything else would end its thread, or skip what follows. */
    private static boolean works(BooleanSupplier work) {
        try {
            return work.getAsBoolean();
        } catch (StoreException | Oracle.ViolationException | Node.CrashError e) {
            throw e;
        } catch (RuntimeException | Error e) {
            throw new Oracle.ViolationException("progress", "a relay's thread threw " + e);
        }
    }

    /** During a rolling upgrade some of the relays that start do not know yet that the outbox is tracked. */
    private Catalog catalog() {
        boolean old = around.world.has(Trait.OLD_VERSIONS)
                && !around.calm()
                && population.incarnations() > FIRST
                && random.nextInt(2) == 0;
        return old ? around.configuration.untracked() : around.configuration.catalog();
    }

    /** Hangs the thread that works on the outbox now. */
    void hangTheOwner() {
        population.living().stream()
                .filter(node -> node.role == Node.Role.RELAY && node.name.equals(around.owner()))
                .forEach(Node::hang);
    }

    void requireFewStatements() {
        around.truth.requireFewStatements(
                all.stream().mapToLong(Node::statements).sum(), all.size() * around.schedule.now() / SECOND);
    }
}
