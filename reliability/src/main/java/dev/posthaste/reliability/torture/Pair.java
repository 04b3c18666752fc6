package dev.posthaste.reliability.torture;

import dev.posthaste.reliability.torture.Setup.Wire;
import dev.posthaste.servers.Database;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The database and the broker of a campaign.
 *
 * @param brokers the number of brokers in the cluster
 */
record Pair(String name, Database database, Wire wire, OutboxTable table, int brokers) {
    /** The pairs that run by default. */
    static final List<String> USUAL = List.of(
            "postgresql-rabbitmq",
            "mariadb-kafka",
            "mysql-rabbitmq",
            "postgresql-kafka",
            "mariadb-rabbitmq",
            "mysql-kafka",
            "sqlite-local",
            "sqlite-rabbitmq");

    private static final String IN_EXISTING_TABLE = "existing";
    private static final String ON_A_CLUSTER = "cluster";
    private static final int BROKERS_OF_A_CLUSTER = 3;

    /** Pairs with another program's table, or with three brokers. */
    static final List<String> SPECIAL = List.of(
            "mysql-kafka-" + IN_EXISTING_TABLE,
            "mariadb-kafka-" + IN_EXISTING_TABLE,
            "postgresql-kafka-" + ON_A_CLUSTER);

    static boolean exists(String name) {
        return Stream.concat(USUAL.stream(), SPECIAL.stream()).anyMatch(name::equals);
    }

    /** @param name of an existing pair */
    static Pair named(String name) {
        List<String> words = List.of(name.split("-"));
        return new Pair(
                name,
                Database.valueOf(words.get(0).toUpperCase(Locale.ROOT)),
                Wire.valueOf(words.get(1).toUpperCase(Locale.ROOT)),
                words.contains(IN_EXISTING_TABLE) ? OutboxTable.EXISTING : OutboxTable.OWN,
                words.contains(ON_A_CLUSTER) ? BROKERS_OF_A_CLUSTER : 1);
    }

    /** Whether its table can be filled with events published earlier. */
    boolean canBeSettled() {
        return database != Database.SQLITE && table == OutboxTable.OWN;
    }

    @Override
    public String toString() {
        return name;
    }
}
