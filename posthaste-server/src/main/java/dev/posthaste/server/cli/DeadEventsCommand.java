package dev.posthaste.server.cli;

import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.Search;
import dev.posthaste.server.Deployment;
import java.util.List;
import java.util.function.LongPredicate;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is done to dead events. */
abstract class DeadEventsCommand extends DeploymentCommand {
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

    abstract Admin.Result change(Admin admin, String outbox, List<Long> rows, Change change);

    abstract Admin.Result change(Admin admin, String outbox, Search search, Change change, LongPredicate goOn);

    abstract String done();

    @Override
    void check() {
        if (rows.isEmpty() != all) {
            throw wrong("Name rows, or say --all (with --type, --error and the like for some of them)");
        }
        if (search.status != null && search.status != Status.DEAD) {
            throw wrong("Only dead events can be " + done());
        }
    }

    @Override
    int run(Deployment open) {
        Admin admin = open.admin();
        if (all) {
            change.announce(err(), output.json);
        }
        Admin.Result result = all
                ? change(admin, outbox, search.search(), change.change(), this::progress)
                : change(admin, outbox, rows, change.change());
        return Posthaste.tell(out(), output.json, done(), result);
    }

    private boolean progress(long done) {
        if (done > 0 && !output.json) {
            err().println(done + " " + done() + " …");
        }
        return true;
    }
}
