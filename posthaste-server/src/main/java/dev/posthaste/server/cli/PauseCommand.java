package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import picocli.CommandLine.Command;

@Command(
        name = "pause",
        mixinStandardHelpOptions = true,
        description = "Stops publishing from an outbox on all relays; its events wait.")
final class PauseCommand extends PausingCommand {
    @Override
    void change(Admin admin, String outbox, Change change) {
        admin.pause(outbox, change);
    }

    @Override
    String tell(boolean changed) {
        return changed ? "is paused; relays stop within seconds" : "was paused before";
    }
}
