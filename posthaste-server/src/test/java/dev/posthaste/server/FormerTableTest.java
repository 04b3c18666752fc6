package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Schema;
import dev.posthaste.server.cli.Posthaste;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.server.config.Problem;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that names no table, from the time when the default table had the outbox's name. */
class FormerTableTest {
    @TempDir
    private Path home;

    private final TestDatabase database = DatabaseServer.of(Database.SQLITE).createDatabase();

    private Path file() throws Exception {
        return Files.writeString(home.resolve("posthaste.yml"), """
                databases:
                  shop: {url: "%s"}
                brokers:
                  rabbit: {url: "amqp://127.0.0.1"}
                outboxes:
                  orders: {route: {destination: shop}, types: [order.placed]}
                console: {enabled: false}
                """.formatted(database.url()));
    }

    private static String table(Deployment deployment) {
        return deployment.outbox("orders").definition().table();
    }

    @Test
    void theTableThatIsThereIsUsedAndTheFileShouldNameIt() throws Exception {
        Schema.create(database.dataSource(), Catalog.empty().outbox("orders", o -> o.table("orders")));
        Path file = file();
        try (Deployment deployment = Deployment.open(ConfigReader.read(file, Map.of()))) {
            assertThat(table(deployment)).isEqualTo("orders");
            assertThat(deployment.databases().values())
                    .allMatch(each -> each.catalog().outbox("orders").table().equals("orders"));
            assertThat(deployment.warnings())
                    .extracting(Problem::message)
                    .singleElement()
                    .satisfies(warning -> assertThat(warning).contains("orders_outbox", "set 'table: orders'"));
        }
        StringWriter out = new StringWriter();
        PrintWriter err = new PrintWriter(new StringWriter());
        assertThat(Posthaste.execute(new PrintWriter(out, true), err, "init", "--apply", "-c", file.toString()))
                .isZero();
        Posthaste.execute(new PrintWriter(out, true), err, "check", "-c", file.toString());
        assertThat(out.toString()).contains("warning: ").contains("set 'table: orders'");
        assertThat(database.query("select name from sqlite_master where name = 'orders_outbox'"))
                .as("no empty table next to the full one")
                .isEmpty();
    }

    @Test
    void aNewDatabaseGetsTheNewName() throws Exception {
        try (Deployment deployment = Deployment.open(ConfigReader.read(file(), Map.of()))) {
            assertThat(table(deployment)).isEqualTo("orders_outbox");
            assertThat(deployment.warnings()).isEqualTo(List.of());
        }
    }
}
