package dev.posthaste.reliability.simulation;

import dev.posthaste.reliability.simulation.World.Trait;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One run: Posthaste's own writers, relays and consumers on one thread, with a simulated clock, database and broker; a
 * seed decides everything. The same seed gives the same run, to the last step.
 */
final class Simulation {
    private static final long SECOND = 1_000_000_000L;
    private static final long FAULTS_FOR = 6 * SECOND;
    private static final long RECOVERY = 20 * SECOND;
    /** A process that does not report on its replay for 30 s is considered dead. */
    private static final long REPLAYED = 80 * SECOND;

    private static final int MAX_STEPS = 200_000;
    /** The same for worlds with ten thousand events. */
    private static final int MAX_STEPS_OF_MANY = 4_000_000;

    private static final String CONSOLE = "console";

    private final Random random;
    private final World world;
    private final Configuration configuration;
    private final Schedule schedule;
    private final Oracle truth;
    private final Surroundings around;
    private final Population population;
    private final Relays relays;
    private final Consumers consumers;
    private final Writers writers;
    private final Crowd crowd;
    private final Outsiders outsiders;
    private final Operators.Desk desk = new Operators.Desk();
    private final Replayers.Desk replays = new Replayers.Desk();
    private final List<SimulatedThread> threads = new ArrayList<>();
    private int faults;

    /** The result of a run; the times are simulated. */
    record Result(int events, int faults, int wireDuplicates, long recoveryMillis) {}

    /**
     * @param with traits that its world has regardless of the seed
     * @param history receives what happens, line by line; null for no history
     */
    Simulation(long seed, Set<Trait> with, java.util.function.@Nullable Consumer<String> history) {
        // The first numbers of adjacent seeds are almost the same.
        random = new Random(new SplittableRandom(seed).nextLong());
        world = new World(seed, with);
        schedule = new Schedule(history);
        schedule.happened("the world has %s", world);
        configuration = new Configuration(random, world);
        truth = new Oracle(schedule, world, configuration);
        Database database = new Database(schedule::now, world, configuration.table(), this::committed);
        database.outbox().numberFrom(world.firstId(), () -> world.idStep(random));
        around = new Surroundings(
                random,
                world,
                configuration,
                schedule,
                truth,
                database,
                new SimulatedBroker(schedule, random, truth, world.has(Trait.SECOND_DESTINATION) ? 2 : 1),
                new Nemesis(schedule, random, 3 * Configuration.LEASE.toNanos(), this::kill, this::answered));
        population = new Population(around);
        Plugins plugins = new Plugins(random, truth, () -> world.has(Trait.BAD_PLUGINS) && !around.calm());
        consumers = new Consumers(around, population, plugins, new Handlers(around));
        relays = new Relays(around, population, plugins, consumers);
        outsiders = new Outsiders(around);
        writers = new Writers(around);
        crowd = new Crowd(around);
        population.startBy(Node.Role.RELAY, relays::start);
        population.startBy(Node.Role.CONSUMER, consumers::start);
        population.startBy(Node.Role.INTAKE, consumers::startIntake);
        population.startBy(Node.Role.CONSOLE, this::console);
        population.startBy(Node.Role.WRITER, place -> population.add(writers.restart(place)));
    }

    private void committed(Node node, List<Transaction.Change> changes) {
        truth.committed(node, changes, around.owner());
    }

    private void kill(Node node) {
        population.kill(node);
    }

    private void answered(Node node, long largeBytes) {
        truth.answered(node, largeBytes, configuration.mostBytes());
    }

    /** @throws Oracle.ViolationException if a promise was broken */
    Result run() {
        try {
            return runToItsEnd();
        } finally {
            threads.forEach(SimulatedThread::abandon);
        }
    }

    private Result runToItsEnd() {
        start();
        plan();
        step(() -> schedule.now() > SECOND + FAULTS_FOR);
        around.heal();
        population.living().forEach(Node::goOn);
        long healed = schedule.now();
        if (configuration.blocking) {
            population.every(SECOND, outsiders::requeueTheDead); // their keys wait until they are requeued
        }
        step(() -> schedule.now() - healed > RECOVERY || (written() && truth.quiet() && desk.isClear()));
        long recovered = schedule.now() - healed;
        step(() -> schedule.now() - healed > REPLAYED || (replays.isClear() && truth.quiet()));
        if (!written()) {
            throw new Oracle.ViolationException("application", "the writers did not finish");
        }
        if (!desk.isClear() || !replays.isClear()) {
            throw new Oracle.ViolationException("audit", "what operators began did not finish");
        }
        relays.requireFewStatements();
        truth.requireOrder();
        truth.requireQuiet(recovered);
        return new Result(
                truth.committedEvents(),
                faults + around.nemesis.faults(),
                truth.wireDuplicates(),
                recovered / 1_000_000);
    }

    private boolean written() {
        return writers.done() && (!world.has(Trait.OUTLASTING_TRANSACTION) || crowd.done());
    }

    private void start() {
        population.start(Node.Role.WRITER, "writer");
        int howMany = 2 + random.nextInt(2);
        for (int i = 0; i < howMany; i++) {
            relays.start("relay-" + i);
        }
        howMany = 1 + random.nextInt(3);
        for (int i = 0; i < howMany && !world.has(Trait.LOCAL); i++) {
            consumers.start("consumer-" + i);
        }
        if (configuration.receiptsTravel()) {
            consumers.startIntake("intake-0");
            consumers.startIntake("intake-1");
        }
        if (world.has(Trait.OPERATORS)) {
            console(CONSOLE);
        }
        if (world.has(Trait.REPLAYS)) {
            console("replays-0");
            console("replays-1");
        }
        writers.start();
        if (world.has(Trait.EXISTING_TABLE)) {
            population.every(2_500_000_000L, writers::release);
        }
        if (world.has(Trait.OUTLASTING_TRANSACTION)) {
            crowd.start();
        }
        population.every(200_000_000L, consumers::rebalance);
    }

    private void console(String place) {
        Node node = population.add(Node.Role.CONSOLE, place, 0);
        if (place.equals(CONSOLE)) {
            Operators operators = new Operators(around, node, desk);
            population.repeat(node, 400_000_000L, () -> {
                operators.act(around.calm());
                return false;
            });
        } else {
            threads.add(new Replayers(around, node, replays).start());
        }
    }

    private void step(BooleanSupplier until) {
        int steps = 0;
        while (!until.getAsBoolean()) {
            schedule.step();
            if (schedule.failure() instanceof RuntimeException failure) {
                throw failure;
            }
            if (schedule.failure() instanceof Error failure) {
                throw failure;
            }
            if (++steps > (world.has(Trait.OUTLASTING_TRANSACTION) ? MAX_STEPS_OF_MANY : MAX_STEPS)) {
                throw new Oracle.ViolationException("progress", "too many steps: something loops without progress");
            }
        }
    }

    // --- Faults ------------------------------------------------------------------------------------------------------

    private void plan() {
        if (world.secondFailsAlone()) {
            atAnyTime(() -> around.broker.troubleSecond(FAULTS_FOR));
            return;
        }
        around.nemesis.failing(random.nextInt(3) == 0 ? 0 : random.nextDouble() * 0.02);
        around.broker.failing(random.nextInt(3) == 0 ? 0 : random.nextDouble() * 0.3);
        if (world.has(Trait.LOCKED_ROWS)) {
            population.every(200_000_000L, () -> outsiders.lockARow(around.calm()));
        }
        int planned = random.nextInt(7);
        for (int i = 0; i < planned; i++) {
            population.in(random.nextLong(FAULTS_FOR), this::strike);
        }
        planTraits();
        if (world.has(Trait.SECOND_DESTINATION)) {
            troubleTheSecondDestination();
        }
    }

    /** One fault after another, none of which affects the first destination. */
    private void troubleTheSecondDestination() {
        population.in(random.nextLong(SECOND), () -> {
            if (!around.calm()) {
                faults++;
                around.broker.troubleSecond(random.nextLong(4 * SECOND));
                population.in(random.nextLong(5 * SECOND), this::troubleTheSecondDestination);
            }
        });
    }

    private void planTraits() {
        if (world.has(Trait.READ_ONLY_CONSUMERS)) {
            atAnyTime(() -> around.nemesis.makeReadOnly(random.nextLong(3 * SECOND)));
        }
        if (world.has(Trait.FAIL_OVERS)) {
            atAnyTime(() -> population.living().forEach(Node::failOver));
        }
        if (world.has(Trait.HUNG_WORKERS)) {
            atAnyTime(relays::hangTheOwner);
        }
    }

    private void atAnyTime(Runnable fault) {
        population.in(random.nextLong(FAULTS_FOR), () -> {
            faults++;
            fault.run();
        });
    }

    private void strike() {
        List<Node> nodes = population.living();
        if (around.calm() || nodes.isEmpty()) {
            return;
        }
        faults++;
        schedule.happened("the nemesis strikes");
        Node victim = nodes.get(random.nextInt(nodes.size()));
        switch (random.nextInt(8)) {
            case 0, 1 -> population.kill(victim);
            case 2, 3 -> victim.pause(schedule.now() + random.nextLong(3 * Configuration.LEASE.toNanos()));
            case 4 -> around.broker.goAway(random.nextLong(2 * SECOND));
            case 5 -> around.broker.fallSilent(random.nextLong(2 * SECOND));
            case 6 -> outsiders.deleteTheLease();
            default -> outsiders.requeueTheDead();
        }
    }
}
