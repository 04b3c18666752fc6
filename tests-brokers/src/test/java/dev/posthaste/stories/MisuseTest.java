package dev.posthaste.stories;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The mistakes that the compiler finds, so that nobody meets them later. */
class MisuseTest {
    private static final JavaCompiler JAVAC = ToolProvider.getSystemJavaCompiler();

    @TempDir
    private static Path classes;

    /** Where a statement has what the stories have. */
    private static final class Program extends SimpleJavaFileObject {
        private final String statements;

        Program(String statements) {
            super(URI.create("string:///Program.java"), Kind.SOURCE);
            this.statements = statements;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return """
                    import dev.posthaste.*;
                    import dev.posthaste.broker.*;
                    import dev.posthaste.inbox.*;
                    import dev.posthaste.kafka.*;
                    import dev.posthaste.relay.*;
                    import java.sql.Connection;
                    import java.time.Duration;
                    import javax.sql.DataSource;

                    class Program {
                        record Order(String id) {}

                        void run(DataSource database, Connection connection, Catalog catalog, Broker broker, Inbox stock,
                                Outbox outbox, Event event) throws Exception {
                            %s
                        }
                    }
                    """.formatted(statements);
        }
    }

    private static List<String> errors(String statements) {
        DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
        List<String> options =
                List.of("-classpath", System.getProperty("java.class.path"), "-proc:none", "-d", classes.toString());
        JAVAC.getTask(null, null, said, options, null, List.of(new Program(statements)))
                .call();
        return said.getDiagnostics().stream()
                .filter(each -> each.getKind() == Diagnostic.Kind.ERROR)
                .map(each -> each.getMessage(Locale.ENGLISH))
                .toList();
    }

    static Stream<Arguments> misuses() {
        return Stream.of(
                arguments(
                        "a connection for an outbox that finds the transaction itself",
                        "outbox.write(connection, event);",
                        "no suitable method found for write(java.sql.Connection,dev.posthaste.Event)"),
                arguments(
                        "an inbox without a name",
                        "Inbox.builder(database);",
                        "no suitable method found for builder(javax.sql.DataSource)"),
                arguments(
                        "a relay without a broker",
                        "Relay.builder(database, catalog);",
                        "method builder in class dev.posthaste.relay.Relay cannot be applied to given types"),
                arguments(
                        "a broker by its constructor",
                        "new KafkaBroker(KafkaSettings.of(\"localhost:9092\"));",
                        "constructor KafkaBroker in class dev.posthaste.kafka.KafkaBroker cannot be applied"),
                arguments(
                        "a connection where the transaction is found",
                        "stock.once(\"request-1\", c -> c.createStatement());",
                        "no suitable method found for once"),
                arguments(
                        "a subscription to the broker that was given its inboxes",
                        "LocalBroker.to(stock).subscribe(stock);",
                        "cannot find symbol"),
                arguments(
                        "a route of three texts",
                        "new Route(\"shop\", \"orders\", \"queue\");",
                        "Route(java.lang.String,java.lang.String,java.lang.String) has private access"),
                arguments(
                        "an outcome of one's own",
                        "new Outcome.Rejected(\"no\", true);",
                        "Rejected(java.lang.String,boolean) has private access"),
                arguments(
                        "receipts by their constructor",
                        "new Receipts();",
                        "constructor Receipts in class dev.posthaste.inbox.Receipts cannot be applied"),
                arguments(
                        "a text as a route",
                        "catalog.outbox(\"orders\", o -> o.route(\"shop.orders\"));",
                        "java.lang.String cannot be converted to dev.posthaste.Route"),
                arguments("a number as a delay", "event.delay(24);", "int cannot be converted to java.time.Duration"),
                arguments(
                        "a handler without its context",
                        "Inbox.builder(\"stock\", database).on(\"order.placed\", Order.class, order -> {});",
                        "incompatible parameter types in lambda expression"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("misuses")
    void doesNotCompile(String what, String statement, String reason) {
        assertThat(errors(statement)).as(what).singleElement().asString().contains(reason);
    }

    /** Each of them as it is meant. */
    @Test
    void whatIsMeantCompiles() {
        assertThat(errors("""
                        JdbcOutbox.of(catalog).write(connection, event);
                        outbox.write(event);
                        Inbox.builder("stock", database).on("order.placed", Order.class, (order, context) -> {});
                        Relay.builder(database, catalog, broker);
                        KafkaBroker.of(KafkaSettings.of("localhost:9092"));
                        stock.once("request-1", () -> outbox.write(event));
                        stock.once(connection, "request-1", () -> connection.createStatement());
                        LocalBroker.to(stock);
                        catalog.outbox("orders", o -> o.route(Route.exchange("shop").routingKey("orders").queue("queue")));
                        Outcome.rejected("no").permanent(true);
                        Receipts.inDatabase(catalog);
                        event.delay(Duration.ofHours(24));
                        """)).isEmpty();
    }
}
