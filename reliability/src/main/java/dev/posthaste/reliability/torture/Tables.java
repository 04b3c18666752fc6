package dev.posthaste.reliability.torture;

import dev.posthaste.servers.Database;
import java.util.ArrayList;
import java.util.List;

/** The application's tables, and triggers that write down every change of a row of Posthaste's that must not be. */
final class Tables {
    private Tables() {}

    static List<String> script(Database kind, boolean tracked) {
        boolean postgres = kind == Database.POSTGRESQL;
        String number =
                postgres ? "bigint generated always as identity primary key" : "bigint auto_increment primary key";
        List<String> script = new ArrayList<>(List.of(
                "create table aggregates (id int primary key, version bigint not null)",
                "create table effects (id " + number + ", event_id varchar(64) not null, event_key int not null,"
                        + " version bigint not null, row_id bigint not null, whole int not null,"
                        + " written_at timestamp(6) not null default current_timestamp(6))",
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
                + now(postgres) + ")";
        trigger(
                script,
                postgres,
                "moved",
                "update",
                "orders",
                moved,
                concat(postgres, "'status: row '", "old.id", "' from '", "old.status", "' to '", "new.status"));
        trigger(
                script,
                postgres,
                "removed",
                "delete",
                "orders",
                "old.status <> " + over,
                concat(postgres, "'retention: row '", "old.id", "' was deleted while '", "old.status"));
        trigger(
                script,
                postgres,
                "leased",
                "update",
                "posthaste_lease",
                lease,
                concat(
                        postgres,
                        "'epoch: '",
                        "old.owner",
                        "' '",
                        "old.epoch",
                        "' to '",
                        "new.owner",
                        "' '",
                        "new.epoch"));
        trigger(script, postgres, "died", "update", "orders", "new.status = 'dead' and old.status <> 'dead'", null);
        return script;
    }

    private static String now(boolean postgres) {
        return postgres ? "clock_timestamp()" : "utc_timestamp(6)";
    }

    private static String concat(boolean postgres, String... parts) {
        return postgres ? String.join(" || ", parts) : "concat(" + String.join(", ", parts) + ")";
    }

    private static void trigger(
            List<String> script,
            boolean postgres,
            String name,
            String event,
            String table,
            String when,
            @org.jspecify.annotations.Nullable String what) {
        String insert = what == null
                ? "insert into died (row_id) values (old.id)"
                : "insert into wrong (what) values (" + what + ")";
        if (postgres) {
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
