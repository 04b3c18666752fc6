package dev.posthaste.server.cli;

import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.Search;
import dev.posthaste.server.Site;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.LongPredicate;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What is done to dead events. */
abstract class DeadEventsCommand implements Callable<Integer> {
    @Mixin
    private SiteOptions site = new SiteOptions();

    @Mixin
    private Output output = new Output();

    @Mixin
    private SearchOptions search = new SearchOptions();

    @Mixin
    private ChangeOptions change = new ChangeOptions();

    @Parameters(index = "0", paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Parameters(index = "1..*", paramLabel = "ROW", description = "The events' rows.")
    private List<Long> rows = List.of();

    @Option(names = "--all", description = "Every dead event, or every one that is found.")
    private boolean all;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    abstract Admin.Result change(Admin admin, String outbox, List<Long> rows, Change change);

    abstract Admin.Result change(Admin admin, String outbox, Search search, Change change, LongPredicate goOn);

    abstract String done();

    @Override
    public Integer call() {
        if (rows.isEmpty() != all) {
            throw new ParameterException(
                    spec.commandLine(), "Name rows, or say --all (with --type, --error and the like for some of them)");
        }
        if (search.status != null && search.status != Status.DEAD) {
            throw new ParameterException(spec.commandLine(), "Only dead events can be " + done());
        }
        PrintWriter err = spec.commandLine().getErr();
        try (Site open = site.open()) {
            Admin admin = open.admin();
            if (all) {
                change.announce(err, output.json);
            }
            Admin.Result result = all
                    ? change(admin, outbox, search.search(), change.change(), done -> progress(err, done))
                    : change(admin, outbox, rows, change.change());
            return Posthaste.tell(spec.commandLine().getOut(), output.json, done(), result);
        }
    }

    private boolean progress(PrintWriter err, long done) {
        if (done > 0 && !output.json) {
            err.println(done + " " + done() + " …");
        }
        return true;
    }
}
