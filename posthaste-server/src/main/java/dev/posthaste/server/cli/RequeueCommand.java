package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.Search;
import java.util.List;
import java.util.function.LongPredicate;
import picocli.CommandLine.Command;

@Command(
        name = "requeue",
        mixinStandardHelpOptions = true,
        description =
                "Sends dead events again, with no attempts counted: the rows that are given, or all that are found.")
final class RequeueCommand extends DeadEventsCommand {
    @Override
    Admin.Result change(Admin admin, String outbox, List<Long> rows, Change change) {
        return admin.requeue(outbox, rows, change);
    }

    @Override
    Admin.Result change(Admin admin, String outbox, Search search, Change change, LongPredicate goOn) {
        return admin.requeue(outbox, search, change, goOn);
    }

    @Override
    String done() {
        return "requeued";
    }
}
