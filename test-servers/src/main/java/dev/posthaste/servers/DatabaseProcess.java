package dev.posthaste.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A database server for one test, which can be killed, frozen, stopped, and restarted with its data. */
public final class DatabaseProcess implements ServerProcess {
    private final Database kind;
    private final Path home;
    private final int port = Ports.free();
    private final List<String> command;
    private @Nullable Process process;

    private DatabaseProcess(Database kind, Path home, List<String> command) {
        this.kind = kind;
        this.home = home;
        this.command = new ArrayList<>(command);
        this.command.replaceAll(each -> each.replace("PORT", Integer.toString(port)));
        Processes.deleteOnExit(home);
    }

    public static DatabaseProcess start(Database kind) {
        try {
            Path home = Files.createTempDirectory("posthaste-" + kind.name().toLowerCase(java.util.Locale.ROOT) + "-");
            DatabaseProcess started = switch (kind) {
                case POSTGRESQL -> new DatabaseProcess(kind, home, postgres(home));
                case MARIADB -> new DatabaseProcess(kind, home, DatabaseServer.installMariaDb(home));
                case MYSQL -> new DatabaseProcess(kind, home, DatabaseServer.installMySql(home));
                case SQLITE, H2 -> throw new IllegalArgumentException(kind + " is not a server");
            };
            started.startAgain();
            if (kind == Database.MARIADB) {
                DatabaseServer.turnRightsOn(started.url("mysql"));
                started.command.remove(DatabaseServer.SKIP_RIGHTS); // for when it is restarted
            }
            return started;
        } catch (IOException | SQLException e) {
            throw new IllegalStateException("Cannot start " + kind, e);
        }
    }

    private static List<String> postgres(Path home) throws IOException {
        List<String> command = new ArrayList<>(DatabaseServer.installPostgres(home));
        for (String setting : List.of("max_connections=200", "shared_buffers=256MB", "max_wal_size=4GB")) {
            command.addAll(List.of("-c", setting));
        }
        return command;
    }

    public Database kind() {
        return kind;
    }

    @Override
    public int port() {
        return port;
    }

    /** Includes user and password; through another port, such as a proxy's. */
    public String url(String database, int through) {
        return switch (kind) {
            case POSTGRESQL -> "jdbc:postgresql://127.0.0.1:" + through + "/" + database + "?user=postgres";
            case MARIADB -> "jdbc:mariadb://127.0.0.1:" + through + "/" + database + "?user=root&password=";
            default ->
                "jdbc:mysql://127.0.0.1:" + through + "/" + database
                        + "?user=root&password=&allowPublicKeyRetrieval=true&useSSL=false&rewriteBatchedStatements=true";
        };
    }

    public String url(String database) {
        return url(database, port);
    }

    @Override
    public void startAgain() {
        if (process == null || !process.isAlive()) {
            process = Processes.start(
                    kind.name(), home, home.resolve("out.log"), Map.of(), command.toArray(String[]::new));
            Ports.awaitListening(kind.name(), port, Duration.ofSeconds(90), process, home);
        }
    }

    private List<ProcessHandle> all() {
        List<ProcessHandle> all = new ArrayList<>();
        if (process != null) {
            all.add(process.toHandle());
            all.addAll(process.descendants().toList());
        }
        return all;
    }

    @Override
    public void kill() {
        List<ProcessHandle> all = all();
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(each -> each.onExit().join());
        process = null;
    }

    /** Closes open connections. */
    @Override
    public void stop() {
        Process running = process;
        if (running != null) {
            Processes.signal(kind == Database.POSTGRESQL ? "INT" : "TERM", running.pid());
            try {
                if (!running.waitFor(30, TimeUnit.SECONDS)) {
                    kill();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            process = null;
        }
    }

    @Override
    public void signal(String signal) {
        Processes.signal(signal, all());
    }

    @Override
    public void close() {
        kill();
    }
}
