package dev.posthaste.server.cli;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.OutboxAdmin;
import picocli.CommandLine.Command;

@Command(name = "resume", mixinStandardHelpOptions = true, description = "Lets relays continue with a paused outbox.")
final class ResumeCommand extends PausingCommand {
    @Override
    void change(OutboxAdmin outbox, Change change) {
        outbox.resume(change);
    }

    @Override
    String tell(boolean changed) {
        return changed ? "continues" : "was not paused";
    }
}
