package dev.posthaste.server.cli;

import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.Deployment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "tail",
        mixinStandardHelpOptions = true,
        description =
                "Shows the newest events, the oldest of them first, and with -f every one that is written from now on.")
final class TailCommand extends DeploymentCommand {
    private static final long EVERY_MILLIS = 500;
    /** How many rows below the newest are looked at again. */
    private static final int BEHIND = StoreOutboxAdmin.MAX_PAGE - 1;

    @Mixin
    private Output output = new Output();

    @Mixin
    private SearchOptions search = new SearchOptions();

    @Parameters(paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Option(
            names = {"-n", "--lines"},
            defaultValue = "10",
            description = "How many; ${DEFAULT-VALUE} if not given.")
    private int lines = 10;

    @Option(
            names = {"-f", "--follow"},
            description = "Continue until interrupted.")
    private boolean follow;

    @Override
    int run(Deployment open) throws InterruptedException {
        StoreOutboxAdmin admin = open.admin().outbox(outbox);
        long start = admin.store().highestId();
        if (lines > 0) {
            print(Events.find(admin, search.search(), start + 1, lines).events());
        }
        Follower follower = new Follower(admin, search.search(), start);
        while (follow && !out().checkError()) { // until the reader of the output is gone
            TimeUnit.MILLISECONDS.sleep(EVERY_MILLIS);
            print(follower.look());
        }
        return ExitCodes.OK;
    }

    /** Finds what is new since the last look. An event may appear below newer ones: its transaction committed after theirs. */
    private static final class Follower {
        private final StoreOutboxAdmin outbox;
        private final EventFilter search;
        private final long start;
        private final TreeSet<Long> shown = new TreeSet<>();
        private long highest;

        Follower(StoreOutboxAdmin outbox, EventFilter search, long start) {
            this.outbox = outbox;
            this.search = search;
            this.start = start;
            this.highest = start;
        }

        List<FoundEvent> look() {
            long floor = Math.max(start, highest - BEHIND);
            shown.headSet(floor, true).clear();
            highest = Math.max(highest, outbox.store().highestId());
            List<FoundEvent> fresh = new ArrayList<>();
            Long before = highest + 1;
            while (before != null && before > floor) {
                FoundPage page = outbox.search(search, before, StoreOutboxAdmin.MAX_PAGE);
                page.events().stream()
                        .filter(event -> event.position() > floor && shown.add(event.position()))
                        .forEach(fresh::add);
                before = page.next();
            }
            return fresh;
        }
    }

    private void print(List<FoundEvent> newestFirst) {
        List<FoundEvent> inOrder = new ArrayList<>(newestFirst);
        Collections.reverse(inOrder);
        for (FoundEvent event : inOrder) {
            if (output.json) {
                Output.json(out(), event);
            } else {
                out().println(line(event));
            }
        }
        out().flush();
    }

    private static String line(FoundEvent event) {
        @Nullable String error = event.error();
        return Output.printable(event.position() + "  " + event.createdAt() + "  "
                + (event.status() == null ? event.statusCode() : event.status().code()) + "  " + event.type() + "  key "
                + event.key() + "  " + event.eventId() + (error == null ? "" : "  " + error));
    }
}
