package dev.posthaste.server.cli;

import dev.posthaste.Status;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.Deployment;
import java.util.List;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A change of dead events. */
abstract class DeadEventsCommand extends DeploymentCommand {
    @Mixin
    private Output output = new Output();

    @Mixin
    private SearchOptions search = new SearchOptions();

    @Mixin
    private ChangeOptions change = new ChangeOptions();

    @Parameters(index = "0", paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Parameters(index = "1..*", paramLabel = "POSITION", description = "The events' positions.")
    private List<Long> positions = List.of();

    @Option(names = "--all", description = "Every dead event, or every one that matches.")
    private boolean all;

    @Option(names = "--expect", paramLabel = "N", description = "Change nothing unless there are exactly this many.")
    @Nullable
    private Long expected;

    abstract ChangeResult change(StoreOutboxAdmin outbox, EventFilter events, Change change, LongPredicate goOn);

    abstract String done();

    @Override
    void check() {
        if (positions.isEmpty() != all) {
            throw wrong("Name positions, or use --all (with --type, --error and the like for some of them)");
        }
        if (search.status != null && search.status != Status.DEAD) {
            throw wrong("Only dead events can be " + done());
        }
    }

    @Override
    int run(Deployment open) {
        if (all) {
            change.announce(err(), output.json);
        }
        EventFilter events = all ? search.search(EventFilter.status(Status.DEAD)) : Events.at(positions);
        ChangeResult result = change(open.admin().outbox(outbox), events, change.change(expected), this::progress);
        return Posthaste.tell(out(), output.json, done(), result);
    }

    private boolean progress(long done) {
        if (done > 0 && !output.json) {
            err().println(done + " " + done() + " …");
        }
        return true;
    }
}
