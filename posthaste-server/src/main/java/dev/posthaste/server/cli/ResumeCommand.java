package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import picocli.CommandLine.Command;

@Command(name = "resume", mixinStandardHelpOptions = true, description = "Lets relays go on with a paused outbox.")
final class ResumeCommand extends PausingCommand {
    @Override
    void change(Admin admin, String outbox, Change change) {
        admin.resume(outbox, change);
    }

    @Override
    String tell(boolean changed) {
        return changed ? "goes on" : "was not paused";
    }
}
