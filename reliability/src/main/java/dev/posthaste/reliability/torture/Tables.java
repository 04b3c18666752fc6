package dev.posthaste.reliability.torture;

import dev.posthaste.Schema;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseProcess;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The application's tables, and triggers that record every illegal change to Posthaste's rows. */
final class Tables {
    private Tables() {}

    /**
     * Creates the database, if it is on a server, and everything in it.
     *
     * @param server null if the database is a file
     * @param settled how many published rows the outbox has at the start
     */
    static void create(Database kind, @Nullable DatabaseProcess server, Setup setup, long settled) throws SQLException {
        if (server != null) {
            try (Connection connection = DriverManager.getConnection(
                            server.url(kind == Database.POSTGRESQL ? "postgres" : "mysql"));
                    Statement statement = connection.createStatement()) {
                // MariaDB's default is Latin 1, which cannot store the writers' texts.
                statement.execute("create database torture"
                        + (kind == Database.POSTGRESQL ? "" : " character set utf8mb4 collate utf8mb4_bin"));
                if (kind == Database.MARIADB) {
                    statement.execute("create user " + Testbed.APPLICATION + "@'127.0.0.1'");
                    statement.execute("grant all privileges on *.* to " + Testbed.APPLICATION + "@'127.0.0.1'");
                    statement.execute("revoke read only admin on *.* from " + Testbed.APPLICATION + "@'127.0.0.1'");
                } else if (kind == Database.MYSQL) {
                    statement.execute("create user " + Testbed.CONSUMERS_USER + "@'127.0.0.1' identified by ''");
                    statement.execute(
                            "grant all privileges on torture.* to " + Testbed.CONSUMERS_USER + "@'127.0.0.1'");
                } else {
                    statement.execute("create role " + Testbed.CONSUMERS_USER + " superuser login");
                }
            }
        }
        try (Connection connection = Testbed.connect(setup);
                Statement statement = connection.createStatement()) {
            for (String sql : setup.table().script()) {
                statement.execute(sql);
            }
        }
        try (var pool = setup.pool(2)) {
            Schema.create(pool, setup.catalog());
        }
        try (Connection connection = Testbed.connect(setup);
                Statement statement = connection.createStatement()) {
            if (settled > 0) {
                SettledRows.fill(connection, kind, setup.wire(), settled);
            }
            for (String sql : script(kind, setup.table().table(), setup.wire().tracks())) {
                statement.execute(sql);
            }
            connection.setAutoCommit(false);
            try (var insert = connection.prepareStatement("insert into aggregates (id, version) values (?, 0)")) {
                for (int key = 0; key < Setup.KEYS; key++) {
                    insert.setInt(1, key);
                    insert.addBatch();
                }
                insert.executeBatch();
            }
            connection.commit();
            connection.setAutoCommit(true);
            // A restarted InnoDB that believes the table empty makes writers scan all of it and deadlock with
            // each other.
            statement.execute(
                    kind == Database.MYSQL || kind == Database.MARIADB
                            ? "analyze table aggregates"
                            : "analyze aggregates");
        }
    }

    /** @param table the outbox's name */
    static List<String> script(Database kind, String table, boolean tracked) {
        String number = switch (kind) {
            case POSTGRESQL -> "bigint generated always as identity primary key";
            case SQLITE -> "integer primary key autoincrement";
            default -> "bigint auto_increment primary key";
        };
        String time = kind == Database.SQLITE
                ? "integer not null default (" + now(kind) + ")"
                : "timestamp(6) not null default current_timestamp(6)";
        List<String> script = new ArrayList<>(List.of(
                "create table aggregates (id int primary key, version bigint not null)",
                "create table effects (id " + number + ", event_id varchar(64) not null, event_key int not null,"
                        + " version bigint not null, row_id bigint not null, whole int not null, written_at " + time
                        + ")",
                "create index effects_event on effects (event_id)",
                "create table wrong (id " + number + ", what varchar(500) not null)",
                "create table died (row_id bigint not null)",
                "create table knots (id int primary key, tied bigint not null)",
                "insert into knots (id, tied) values (0, 0), (1, 0)"));
        String pending = tracked ? "('pending', 'published', 'dead')" : "('pending', 'dead')";
        String over = tracked ? "'consumed'" : "'published'";
        String moved = "(old.status not in " + pending + " and new.status = 'pending')"
                + " or (old.status = 'consumed' and new.status <> 'consumed')"
                + " or (old.status = 'dead' and new.status not in ('dead', 'pending'))";
        String lease = "new.epoch < old.epoch or new.epoch > old.epoch + 1"
                + " or (new.owner <> old.owner and new.owner <> '' and new.epoch <> old.epoch + 1)"
                + " or (new.owner <> old.owner and new.owner <> '' and old.owner <> '' and old.expires_at > "
                + now(kind) + ")";
        trigger(
                script,
                kind,
                "moved",
                "update",
                table,
                moved,
                concat(kind, "'status: row '", "old.id", "' from '", "old.status", "' to '", "new.status"));
        trigger(
                script,
                kind,
                "removed",
                "delete",
                table,
                "old.status <> " + over,
                concat(kind, "'retention: row '", "old.id", "' was deleted while '", "old.status"));
        trigger(
                script,
                kind,
                "leased",
                "update",
                "posthaste_lease",
                lease,
                concat(kind, "'epoch: '", "old.owner", "' '", "old.epoch", "' to '", "new.owner", "' '", "new.epoch"));
        trigger(script, kind, "died", "update", table, "new.status = 'dead' and old.status <> 'dead'", null);
        return script;
    }

    private static String now(Database kind) {
        return switch (kind) {
            case POSTGRESQL -> "clock_timestamp()";
            case SQLITE -> "cast(unixepoch('subsec') * 1000 as integer)";
            default -> "utc_timestamp(6)";
        };
    }

    private static String concat(Database kind, String... parts) {
        return kind == Database.POSTGRESQL || kind == Database.SQLITE
                ? String.join(" || ", parts)
                : "concat(" + String.join(", ", parts) + ")";
    }

    private static void trigger(
            List<String> script,
            Database kind,
            String name,
            String event,
            String table,
            String when,
            @org.jspecify.annotations.Nullable String what) {
        String insert = what == null
                ? "insert into died (row_id) values (old.id)"
                : "insert into wrong (what) values (" + what + ")";
        if (kind == Database.SQLITE) {
            script.add("create trigger " + name + "_" + event + " before " + event + " on " + table
                    + " for each row when " + when + " begin " + insert + "; end");
        } else if (kind == Database.POSTGRESQL) {
            String row = event.equals("delete") ? "old" : "new";
            script.add("create function " + name + "() returns trigger language plpgsql as $$ begin if " + when
                    + " then " + insert + "; end if; return " + row + "; end $$");
            script.add("create trigger " + name + "_" + event + " before " + event + " on " + table
                    + " for each row execute function " + name + "()");
        } else {
            script.add("create trigger " + name + "_" + event + " before " + event + " on " + table
                    + " for each row begin if " + when + " then " + insert + "; end if; end");
        }
    }
}
