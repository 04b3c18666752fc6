package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.Search;
import java.util.List;
import java.util.function.LongPredicate;
import picocli.CommandLine.Command;

@Command(
        name = "discard",
        mixinStandardHelpOptions = true,
        description = "Deletes dead events for good; the audit keeps each with its payload.")
final class DiscardCommand extends DeadEventsCommand {
    @Override
    Admin.Result change(Admin admin, String outbox, List<Long> rows, Change change) {
        return admin.discard(outbox, rows, change);
    }

    @Override
    Admin.Result change(Admin admin, String outbox, Search search, Change change, LongPredicate goOn) {
        return admin.discard(outbox, search, change, goOn);
    }

    @Override
    String done() {
        return "discarded";
    }
}
