package dev.posthaste.reliability.simulation;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What is unusual about one run, besides its faults. Half of all runs have no such traits, the others one to four. They
 * are drawn separately from everything else, so that a run without any is unaffected when traits are added.
 */
final class World {
    private static final long APART = 0x7A57E5L;
    private static final long FURTHER_APART = 0xF07E164L;
    private static final long FARTHEST_APART = 0x7AB1E5L;
    private static final long ALONE = 0xA10E5L;
    private static final int MAX_TRAITS = 4;
    /** One in this many worlds with traits also has one of the {@link Trait#ofItsOwn}. */
    private static final int WITH_MORE = 16;
    /** One in this many of them has another program's table, and as many have a second destination. */
    private static final int WITH_EACH = 16;
    /** One in this many of them has a transaction that outlasts thousands of others. */
    private static final int WITH_OUTLASTING = 3_000;

    /** Something that most applications, databases or brokers do not do. */
    enum Trait {
        /** Ids are 2, 3 or 7 apart, as on servers that write alternately. */
        STEPPING_IDS,
        /** Ids begin below zero. */
        LOW_IDS,
        /** Hundreds of ids in a row are never used: transactions of other programs that were rolled back. */
        ROLLED_BACK_IDS,
        /** Some transactions are open for seconds. */
        LONG_TRANSACTIONS,
        /** Handlers throw errors, catch a deadlock and continue, or roll back by themselves. */
        BAD_HANDLERS,
        /** A deadlock rolls back the whole transaction, and the connection continues in a new one, as with InnoDB. */
        WHOLE_ROLLBACKS,
        /** A relay's thread hangs and never returns, while the others of its process continue. */
        HUNG_WORKERS,
        /** Listeners and formats throw errors. */
        BAD_PLUGINS,
        /** Another program locks rows of the outbox for seconds. */
        LOCKED_ROWS,
        /** Events that are due in an hour, each with its own key. */
        REMINDERS,
        /** Only few keys may wait before new events are no longer read. */
        SMALL_BOUNDS,
        /** The consumers' database accepts no changes for seconds. */
        READ_ONLY_CONSUMERS,
        /** Processes vanish: their connections stay open. */
        VANISHING,
        /** Connections come from pools, and lead to a server that became read-only. */
        FAIL_OVERS,
        /** Some relays do not know yet that the outbox is tracked. */
        OLD_VERSIONS,
        /** The error column accepts no emoji, and errors contain some. */
        STRICT_TEXTS,
        /** Relays and consumers are one process, without a broker between them. */
        LOCAL,
        /**
         * Keys, ids and headers that some databases consider equal and that are hard to parse; a database that groups
         * them so.
         */
        HOSTILE_TEXTS,
        /** Payloads from empty ones to more than a relay's window. */
        LARGE_PAYLOADS,
        /** Consumers have their own database, and their receipts are messages. */
        RECEIPT_MESSAGES,
        /** Operators requeue, discard, purge, pause and resume all the time. */
        OPERATORS,
        /**
         * In addition to whole roll-backs: a transaction reads what was committed at its first read; a statement that
         * changes or locks rows sees what is committed now; a search that finds no row locks the gap, and inserts wait
         * for it.
         */
        INNODB,
        /** Operators replay published events, and requeue or discard given rows. */
        REPLAYS,
        /** The outbox's table is another program's, which fills it in its own way; it has only some of the columns. */
        EXISTING_TABLE,
        /** Events go to two destinations, and only the second one is unavailable, silent, slow or missing. */
        SECOND_DESTINATION,
        /** A transaction is open while more than ten thousand others commit. Such a run takes a second. */
        OUTLASTING_TRANSACTION;

        /** Whether it is drawn separately from earlier traits, so that their worlds are unaffected by its addition. */
        private boolean ofItsOwn() {
            return compareTo(INNODB) >= 0 && compareTo(REPLAYS) <= 0;
        }
    }

    /** Traits that would visit each of ten thousand rows all the time, or keep relays from reading them. */
    private static final Set<Trait> DEAR = EnumSet.of(
            Trait.INNODB,
            Trait.LOCKED_ROWS,
            Trait.SMALL_BOUNDS,
            Trait.REMINDERS,
            Trait.LARGE_PAYLOADS,
            Trait.EXISTING_TABLE);

    /** Traits that delay no event. */
    private static final Set<Trait> HARMLESS = EnumSet.of(
            Trait.SECOND_DESTINATION,
            Trait.STEPPING_IDS,
            Trait.LOW_IDS,
            Trait.ROLLED_BACK_IDS,
            Trait.HOSTILE_TEXTS,
            Trait.OLD_VERSIONS);

    private final long seed;
    private final Set<Trait> traits = EnumSet.noneOf(Trait.class);
    /** The distance between ids. */
    private final int idStep;

    private final boolean secondFailsAlone;

    private final Set<String> consumers;

    /** @param with traits that it has in addition to the seed's */
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
            traits.remove(Trait.SMALL_BOUNDS); // each reminder makes a key wait
        }
        if (traits.contains(Trait.LOCAL)) {
            traits.remove(Trait.RECEIPT_MESSAGES);
            traits.remove(Trait.REPLAYS); // replays need a broker
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

    /** The consumers that have to handle each event. */
    Set<String> consumers() {
        return consumers;
    }

    /** Whether only the second destination fails, so that the first must not be affected. */
    boolean secondFailsAlone() {
        return secondFailsAlone;
    }

    /** The id after which ids are assigned. */
    long firstId() {
        return has(Trait.LOW_IDS) ? -30L * idStep : 0;
    }

    /** The distance of the next id from the previous one. */
    long idStep(Random random) {
        return has(Trait.ROLLED_BACK_IDS) && random.nextInt(4) == 0 ? idStep * (1L + random.nextInt(2_000)) : idStep;
    }

    /** Decides the details of the latest traits; the same numbers each time. */
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
