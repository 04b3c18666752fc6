package dev.posthaste.server.cli;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import java.util.function.LongPredicate;
import picocli.CommandLine.Command;

@Command(
        name = "requeue",
        mixinStandardHelpOptions = true,
        description =
                "Publishes dead events again, with their attempts reset to zero: the given positions, or all that match.")
final class RequeueCommand extends DeadEventsCommand {
    @Override
    ChangeResult change(StoreOutboxAdmin outbox, EventFilter events, Change change, LongPredicate goOn) {
        return outbox.requeue(events, change, goOn);
    }

    @Override
    String done() {
        return "requeued";
    }
}
