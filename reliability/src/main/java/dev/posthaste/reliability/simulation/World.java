package dev.posthaste.reliability.simulation;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What is unusual about one run, beside its faults. Half of all runs have none of it, the others one to four of these
 * traits. They are drawn apart from everything else, so that a run without any is the same whatever traits there are.
 */
final class World {
    private static final long APART = 0x7A57E5L;
    private static final long FURTHER_APART = 0xF07E164L;
    private static final long FARTHEST_APART = 0x7AB1E5L;
    private static final long ALONE = 0xA10E5L;
    private static final int MAX_TRAITS = 4;
    /** One in so many of the worlds that have traits has one of the {@link Trait#ofItsOwn} as well. */
    private static final int WITH_MORE = 16;
    /** One in so many of them has a table of another program's, and as many have a second destination. */
    private static final int WITH_EACH = 16;
    /** One in so many of them has a transaction that outlasts thousands. */
    private static final int WITH_OUTLASTING = 3_000;

    /** Something that most applications, databases or brokers do not do. */
    enum Trait {
        /** Ids are 2, 3 or 7 apart, as on servers that write in turns. */
        STEPPING_IDS,
        /** Ids begin below zero. */
        LOW_IDS,
        /** Hundreds of ids in a row are never used: transactions of other programs that were rolled back. */
        ROLLED_BACK_IDS,
        /** Some transactions are open for seconds. */
        LONG_TRANSACTIONS,
        /** Handlers throw errors, catch a deadlock and continue, or roll back by themselves. */
        BAD_HANDLERS,
        /** A deadlock rolls the whole transaction back, and the connection continues in a new one: as InnoDB. */
        WHOLE_ROLLBACKS,
        /** A relay's thread hangs and never comes back, while the others of its process continue. */
        HUNG_WORKERS,
        /** Listeners and formats throw errors. */
        BAD_PLUGINS,
        /** Somebody else locks rows of the outbox for seconds. */
        LOCKED_ROWS,
        /** Events that are due in an hour, each with a key of its own. */
        REMINDERS,
        /** Not many keys may wait before no fresh events are read. */
        SMALL_BOUNDS,
        /** The consumers' database takes no changes for seconds. */
        READ_ONLY_CONSUMERS,
        /** Processes end without a word: their connections stay open. */
        VANISHING,
        /** Connections come from pools, and lead to a server that became read-only. */
        FAIL_OVERS,
        /** Some relays do not know yet that the outbox is tracked. */
        OLD_VERSIONS,
        /** The column for errors takes no emoji, and errors have some. */
        STRICT_TEXTS,
        /** Relays and consumers are one process, without a broker between them. */
        LOCAL,
        /** Keys, ids and headers that some databases hold equal, and that are hard to read; a database that groups like those. */
        HOSTILE_TEXTS,
        /** Payloads from none to more than a relay's window. */
        LARGE_PAYLOADS,
        /** Consumers have a database of their own, and their receipts are messages. */
        RECEIPT_MESSAGES,
        /** Somebody requeues, discards, purges, pauses and resumes all the time. */
        OPERATORS,
        /**
         * Beside whole roll-backs: a transaction reads what was committed when it first read, a statement that changes or
         * locks rows what is committed now; what finds no row locks the gap, and inserts wait for it.
         */
        INNODB,
        /** Somebody replays what was published, and puts back or discards given rows. */
        REPLAYS,
        /** The outbox's table is another program's, which fills it its own way, and has only some of the columns. */
        EXISTING_TABLE,
        /** Events go to two destinations, and the second one is away, silent, slow or missing by itself. */
        SECOND_DESTINATION,
        /** A transaction is open while more than ten thousand others commit. Such a run takes a second. */
        OUTLASTING_TRANSACTION;

        /** Drawn apart from those before, so that their worlds are what they were before it was thought of. */
        private boolean ofItsOwn() {
            return compareTo(INNODB) >= 0 && compareTo(REPLAYS) <= 0;
        }
    }

    /** What would look at each of ten thousand rows all the time, or keep relays from reading them. */
    private static final Set<Trait> DEAR = EnumSet.of(
            Trait.INNODB,
            Trait.LOCKED_ROWS,
            Trait.SMALL_BOUNDS,
            Trait.REMINDERS,
            Trait.LARGE_PAYLOADS,
            Trait.EXISTING_TABLE);

    /** What keeps no event back. */
    private static final Set<Trait> HARMLESS = EnumSet.of(
            Trait.SECOND_DESTINATION,
            Trait.STEPPING_IDS,
            Trait.LOW_IDS,
            Trait.ROLLED_BACK_IDS,
            Trait.HOSTILE_TEXTS,
            Trait.OLD_VERSIONS);

    private final long seed;
    private final Set<Trait> traits = EnumSet.noneOf(Trait.class);
    /** How far apart ids are. */
    private final int idStep;

    private final boolean secondFailsAlone;

    private final Set<String> consumers;

    /** @param with traits that it has in any case, beside those that the seed decides */
    World(long seed, Set<Trait> with) {
        this.seed = seed;
        Random random = new Random(new SplittableRandom(seed ^ APART).nextLong());
        if (random.nextBoolean()) {
            Trait[] all = all(false);
            for (int number = 1 + random.nextInt(MAX_TRAITS); number > 0; number--) {
                traits.add(all[random.nextInt(all.length)]);
            }
            Random more = new Random(new SplittableRandom(seed ^ FURTHER_APART).nextLong());
            if (more.nextInt(WITH_MORE) == 0) {
                Trait[] further = all(true);
                traits.add(further[more.nextInt(further.length)]);
            }
            int latest = new SplittableRandom(seed ^ FARTHEST_APART).split().nextInt(WITH_OUTLASTING * WITH_EACH);
            if (latest % WITH_EACH == 0) {
                traits.add(Trait.EXISTING_TABLE);
            } else if (latest % WITH_EACH == 1) {
                traits.add(Trait.SECOND_DESTINATION);
            } else if (latest < WITH_EACH) {
                traits.add(Trait.OUTLASTING_TRANSACTION);
            }
        }
        traits.addAll(with);
        if (traits.contains(Trait.INNODB)) {
            traits.add(Trait.WHOLE_ROLLBACKS);
        }
        if (traits.contains(Trait.REMINDERS)) {
            traits.remove(Trait.SMALL_BOUNDS); // each reminder is a key that waits
        }
        if (traits.contains(Trait.LOCAL)) {
            traits.remove(Trait.RECEIPT_MESSAGES);
            traits.remove(Trait.REPLAYS); // which need a broker
            traits.remove(Trait.SECOND_DESTINATION);
        }
        if (traits.contains(Trait.OUTLASTING_TRANSACTION)) {
            traits.removeAll(DEAR);
        }
        secondFailsAlone = has(Trait.SECOND_DESTINATION)
                && !with.containsAll(traits)
                && new SplittableRandom(seed ^ ALONE).split().nextBoolean();
        if (secondFailsAlone) {
            traits.retainAll(HARMLESS);
        }
        consumers = has(Trait.LOCAL) && random.nextInt(3) > 0 ? Set.of("shipping", "billing") : Set.of("shipping");
        idStep = has(Trait.STEPPING_IDS) ? new int[] {2, 3, 7}[random.nextInt(3)] : 1;
    }

    private static Trait[] all(boolean ofItsOwn) {
        return Arrays.stream(Trait.values())
                .filter(trait -> trait.compareTo(Trait.REPLAYS) <= 0 && trait.ofItsOwn() == ofItsOwn)
                .toArray(Trait[]::new);
    }

    /** Who has to handle each event. */
    Set<String> consumers() {
        return consumers;
    }

    /** Whether nothing goes wrong but the second destination, so that the first must not notice. */
    boolean secondFailsAlone() {
        return secondFailsAlone;
    }

    /** After this one ids are given out. */
    long firstId() {
        return has(Trait.LOW_IDS) ? -30L * idStep : 0;
    }

    /** How far the next id is from the one before. */
    long idStep(Random random) {
        return has(Trait.ROLLED_BACK_IDS) && random.nextInt(4) == 0 ? idStep * (1L + random.nextInt(2_000)) : idStep;
    }

    /** Decides how the latest traits look; the same numbers each time. */
    Random details() {
        return new Random(new SplittableRandom(seed ^ FARTHEST_APART).nextLong());
    }

    boolean has(Trait trait) {
        return traits.contains(trait);
    }

    @Override
    public String toString() {
        return traits.toString();
    }
}
