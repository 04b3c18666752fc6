package dev.posthaste.server.cli;

import dev.posthaste.admin.DryRun;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.broker.Broker;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.relay.Replay;
import dev.posthaste.relay.internal.ReplayRun;
import dev.posthaste.server.Deployment;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        description = "Publishes events once more: the given positions, or all that match with --status published or"
                + " consumed. Only shows what it would do, unless --go is given.")
final class ReplayCommand extends DeploymentCommand {
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

    @Option(names = "--go", description = "Do it.")
    private boolean go;

    @Option(
            names = "--destination",
            paramLabel = "NAME",
            description = "To another topic or exchange that the outbox allows.")
    @Nullable
    private String destination;

    @Option(names = "--routing-key", description = "With another routing key.")
    @Nullable
    private String routingKey;

    @Option(
            names = "--per-second",
            defaultValue = "100",
            description = "No faster than this; ${DEFAULT-VALUE} if not given.")
    private int perSecond = 100;

    @Option(names = "--expect", paramLabel = "N", description = "Send nothing unless there are exactly this many.")
    @Nullable
    private Long expected;

    record Dry(long events, List<FoundEvent> sample) {}

    @Override
    int run(Deployment open) throws InterruptedException {
        EventFilter events = positions.isEmpty() ? search.search() : Events.at(positions);
        ReplayPlan plan = new ReplayPlan(events, destination, routingKey, perSecond);
        StoreOutboxAdmin admin = open.admin().outbox(outbox);
        if (!go) {
            DryRun dry = admin.dryRun(events, ReplayPlan.STATUSES, done -> true);
            List<FoundEvent> sample = dry.sample();
            if (output.json) {
                Output.json(out(), new Dry(dry.events(), sample));
            } else {
                out().println(Output.count(dry.events(), "event", "events")
                        + " would be sent again; the first of them:");
                Events.print(out(), false, sample);
                out().println("Add --go to do it");
            }
            return dry.events() == 0 ? ExitCodes.NOTHING : ExitCodes.OK;
        }
        Broker broker = open.broker(open.outbox(outbox).broker());
        ReplayRun replay = new ReplayRun(admin, plan, broker, change.change(expected));
        change.announce(err(), output.json);
        return follow(replay);
    }

    /** SIGINT cancels; what is at the broker is waited for. */
    private int follow(ReplayRun replay) throws InterruptedException {
        Thread thread = new Thread(replay, "posthaste-replay");
        Thread cancel = new Thread(() -> {
            replay.cancel();
            join(thread, 10_000);
        });
        Runtime.getRuntime().addShutdownHook(cancel);
        thread.start();
        while (thread.isAlive()) {
            thread.join(2_000);
            ReplayRun.Progress progress = replay.progress();
            err().println(progress.sent() + " sent, " + progress.failed() + " failed"
                    + (progress.waitingFor() == null ? "" : "; waiting: " + Output.printable(progress.waitingFor())));
        }
        ReplayRun.Progress end = replay.progress();
        end.errors().forEach(error -> err().println(Output.printable(error)));
        if (output.json) {
            Output.json(out(), end);
        } else {
            out().println(end.state().name().toLowerCase(Locale.ROOT) + ": " + end.sent() + " sent, " + end.failed()
                    + " failed");
        }
        return end.state() != Replay.Run.State.FINISHED
                ? ExitCodes.UNREACHABLE
                : end.sent() == 0 || end.failed() > 0 ? ExitCodes.NOTHING : ExitCodes.OK;
    }

    private static void join(Thread thread, long millis) {
        try {
            thread.join(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
