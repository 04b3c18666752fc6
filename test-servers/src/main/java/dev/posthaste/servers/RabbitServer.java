package dev.posthaste.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A RabbitMQ for tests: the installed package's programs, started on free ports with a separate home directory. It ends
 * with the JVM. {@code POSTHASTE_TEST_RABBITMQ} names an AMQP URI to use instead; that server cannot be stopped from
 * here.
 */
public final class RabbitServer implements ServerProcess {
    private static final Path PROGRAMS = Path.of("/usr/lib/rabbitmq/bin");
    private static @Nullable RabbitServer shared;

    private final Path home;
    private final int port;
    private final int epmdPort;
    private final Map<String, String> environment = new HashMap<>();
    private final @Nullable String external;
    private @Nullable Process process;

    /** @param data where it keeps its data; null for a directory in its home */
    private RabbitServer(@Nullable String external, @Nullable Path data) {
        this.external = external;
        this.port = Ports.free();
        this.epmdPort = Ports.free();
        try {
            this.home = Files.createTempDirectory("posthaste-rabbitmq-");
            Files.writeString(home.resolve("rabbitmq.conf"), "listeners.tcp.1 = 127.0.0.1:" + port + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "end-rabbitmq"));
        Processes.deleteOnExit(home);
        environment.put("HOME", home.toString());
        environment.put("RABBITMQ_NODENAME", "posthaste" + port + "@localhost");
        environment.put("RABBITMQ_CONFIG_FILE", home.resolve("rabbitmq.conf").toString());
        environment.put("RABBITMQ_DIST_PORT", Integer.toString(Ports.free()));
        environment.put("ERL_EPMD_PORT", Integer.toString(epmdPort));
        environment.put("ERL_EPMD_ADDRESS", "127.0.0.1");
        environment.put("RABBITMQ_MNESIA_BASE", (data == null ? home.resolve("data") : data).toString());
        environment.put("RABBITMQ_LOG_BASE", home.resolve("log").toString());
        environment.put("RABBITMQ_PID_FILE", home.resolve("pid").toString());
        environment.put("RABBITMQ_ENABLED_PLUGINS_FILE", home.resolve("plugins").toString());
        environment.put("RABBITMQ_CONF_ENV_FILE", home.resolve("none").toString());
    }

    /** The server that all tests of this JVM share, started if necessary. */
    public static synchronized RabbitServer shared() {
        if (shared == null) {
            shared = start();
        }
        return shared;
    }

    /** A separate server. */
    public static RabbitServer start() {
        String named = System.getenv("POSTHASTE_TEST_RABBITMQ");
        return started(new RabbitServer(named == null || named.isBlank() ? null : named, null));
    }

    /** A separate server that keeps its data in {@code data}. */
    public static RabbitServer start(Path data) {
        return started(new RabbitServer(null, data));
    }

    private static RabbitServer started(RabbitServer server) {
        if (server.external == null) {
            server.startAgain();
            server.control("await_startup");
        }
        return server;
    }

    public String uri() {
        return external != null ? external : "amqp://guest:guest@127.0.0.1:" + port;
    }

    /** The port it listens on; 0 for an external server. */
    @Override
    public int port() {
        return external != null ? java.net.URI.create(external).getPort() : port;
    }

    /** On a busy machine a node sometimes never comes up; a second attempt succeeds. */
    @Override
    public void startAgain() {
        try {
            startOnce();
        } catch (IllegalStateException e) {
            end();
            startOnce();
        }
    }

    private void startOnce() {
        if (process != null && process.isAlive()) {
            return;
        }
        Programs.require(PROGRAMS.resolve("rabbitmq-server"));
        process = Processes.start(
                "rabbitmq",
                home,
                home.resolve("out.log"),
                environment,
                PROGRAMS.resolve("rabbitmq-server").toString());
        Ports.awaitListening("RabbitMQ", port, Duration.ofSeconds(90), process, home);
    }

    @Override
    public void kill() {
        requireOwn();
        end();
    }

    @Override
    public void stop() {
        requireOwn();
        Process running = process;
        if (running != null) {
            List<ProcessHandle> all = running.descendants().toList();
            all.forEach(ProcessHandle::destroy);
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (running.isAlive() && System.nanoTime() < deadline) {
                LockSupport.parkNanos(20_000_000L);
            }
            end();
        }
    }

    private void requireOwn() {
        if (external != null) {
            throw new IllegalStateException(
                    "This test kills, freezes or controls RabbitMQ, so it needs a separate one: unset POSTHASTE_TEST_RABBITMQ");
        }
    }

    private void end() {
        Process running = process;
        if (running != null) {
            List<ProcessHandle> all = new ArrayList<>(running.descendants().toList());
            all.add(running.toHandle());
            all.forEach(ProcessHandle::destroyForcibly);
            all.forEach(each -> each.onExit().join());
            process = null;
        }
    }

    @Override
    public void signal(String signal) {
        requireOwn();
        Process running = process;
        if (running != null) {
            List<ProcessHandle> all = new ArrayList<>(running.descendants().toList());
            all.add(running.toHandle());
            Processes.signal(signal, all);
        }
    }

    /** Runs {@code rabbitmqctl}. */
    public String control(String... arguments) {
        requireOwn();
        List<String> command =
                new ArrayList<>(List.of(PROGRAMS.resolve("rabbitmqctl").toString()));
        command.addAll(List.of(arguments));
        return Processes.run(home, environment, command.toArray(String[]::new));
    }

    @Override
    public void close() {
        end();
        if (external == null) {
            endNameServer();
        }
    }

    /** Erlang's name server outlives its nodes, and refuses to stop until it has noticed that they are gone. */
    private void endNameServer() {
        String port = Integer.toString(epmdPort);
        for (int i = 0; i < 40 && Ports.listening(epmdPort); i++) {
            try {
                Processes.run(Path.of("/"), environment, "epmd", "-port", port, "-kill");
            } catch (IllegalStateException e) {
                LockSupport.parkNanos(50_000_000L);
            }
        }
    }
}
