package dev.posthaste.server.cli;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import java.util.function.LongPredicate;
import picocli.CommandLine.Command;

@Command(
        name = "discard",
        mixinStandardHelpOptions = true,
        description = "Deletes dead events for good; the audit keeps each with its payload.")
final class DiscardCommand extends DeadEventsCommand {
    @Override
    ChangeResult change(StoreOutboxAdmin outbox, EventFilter events, Change change, LongPredicate goOn) {
        return outbox.discard(events, change, goOn);
    }

    @Override
    String done() {
        return "discarded";
    }
}
