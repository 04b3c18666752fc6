package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.Page;
import dev.posthaste.server.Site;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "tail",
        mixinStandardHelpOptions = true,
        description =
                "Shows the newest events, oldest of them first, and with -f every one that is written from now on.")
final class TailCommand implements Callable<Integer> {
    private static final long EVERY_MILLIS = 500;

    @Mixin
    private SiteOptions site = new SiteOptions();

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
            description = "Go on until interrupted.")
    private boolean follow;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        try (Site open = site.open()) {
            Admin admin = open.admin();
            long seen = admin.outbox(outbox).highestId();
            print(out, newest(admin, seen + 1, lines));
            while (follow) {
                TimeUnit.MILLISECONDS.sleep(EVERY_MILLIS);
                long highest = admin.outbox(outbox).highestId();
                if (highest > seen) {
                    List<FoundEvent> fresh = above(admin, seen, highest);
                    print(out, fresh);
                    seen = highest;
                }
            }
        }
        return ExitCodes.OK;
    }

    private List<FoundEvent> newest(Admin admin, long below, int count) {
        return count < 1
                ? List.of()
                : admin.search(outbox, search.search(), below, Math.min(count, Admin.LONGEST_PAGE))
                        .events();
    }

    private List<FoundEvent> above(Admin admin, long seen, long highest) {
        List<FoundEvent> fresh = new ArrayList<>();
        Long before = highest + 1;
        while (before != null && before > seen) {
            Page page = admin.search(outbox, search.search(), before, Admin.LONGEST_PAGE);
            for (FoundEvent event : page.events()) {
                if (event.id() > seen) {
                    fresh.add(event);
                }
            }
            before = page.next();
        }
        return fresh;
    }

    private void print(PrintWriter out, List<FoundEvent> newestFirst) {
        List<FoundEvent> inOrder = new ArrayList<>(newestFirst);
        Collections.reverse(inOrder);
        for (FoundEvent event : inOrder) {
            if (output.json) {
                Output.json(out, event);
            } else {
                out.println(line(event));
            }
        }
        out.flush();
    }

    private static String line(FoundEvent event) {
        @Nullable String error = event.error();
        return Output.printable(event.id() + "  " + event.createdAt() + "  "
                + (event.status() == null ? event.statusCode() : event.status().code()) + "  " + event.type() + "  key "
                + event.key() + "  " + event.eventId() + (error == null ? "" : "  " + error));
    }
}
