package dev.posthaste.reliability.torture;

import dev.posthaste.servers.Database;
import java.util.ArrayList;
import java.util.List;

/** The application's tables, and triggers that write down every change of a row of Posthaste's that must not be. */
final class Tables {
    private Tables() {}

    static List<String> script(Database kind, boolean tracked) {
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
                "create table died (row_id bigint not null)"));
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
                "orders",
                moved,
                concat(kind, "'status: row '", "old.id", "' from '", "old.status", "' to '", "new.status"));
        trigger(
                script,
                kind,
                "removed",
                "delete",
                "orders",
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
        trigger(script, kind, "died", "update", "orders", "new.status = 'dead' and old.status <> 'dead'", null);
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
