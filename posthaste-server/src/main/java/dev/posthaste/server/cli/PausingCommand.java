package dev.posthaste.server.cli;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.server.Deployment;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** A command that pauses or resumes an outbox. */
abstract class PausingCommand extends DeploymentCommand {
    @Mixin
    private Output output = new Output();

    @Mixin
    private ChangeOptions change = new ChangeOptions();

    @Parameters(paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    record Line(String outbox, boolean paused, boolean changed) {}

    abstract void change(OutboxAdmin outbox, Change change);

    abstract String tell(boolean changed);

    @Override
    int run(Deployment open) {
        OutboxAdmin admin = open.admin().outbox(outbox);
        boolean before = admin.lease().paused();
        change(admin, change.change());
        boolean paused = admin.lease().paused();
        boolean changed = paused != before;
        if (output.json) {
            Output.json(out(), new Line(outbox, paused, changed));
        } else {
            out().println("Outbox " + outbox + " " + tell(changed));
        }
        return changed ? ExitCodes.OK : ExitCodes.NOTHING;
    }
}
