package dev.posthaste.server.cli;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.OutboxAdmin;
import picocli.CommandLine.Command;

@Command(
        name = "pause",
        mixinStandardHelpOptions = true,
        description = "Stops publishing from an outbox on all relays; its events wait.")
final class PauseCommand extends PausingCommand {
    @Override
    void change(OutboxAdmin outbox, Change change) {
        outbox.pause(change);
    }

    @Override
    String tell(boolean changed) {
        return changed ? "is paused; relays stop within seconds" : "was already paused";
    }
}
