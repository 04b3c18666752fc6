package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.server.Site;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "pause",
        mixinStandardHelpOptions = true,
        description = "Stops publishing from an outbox on all relays; its events wait.")
final class PauseCommand implements Callable<Integer> {
    @Mixin
    private SiteOptions site = new SiteOptions();

    @Mixin
    private ChangeOptions change = new ChangeOptions();

    @Parameters(paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() {
        try (Site open = site.open()) {
            Admin admin = open.admin();
            boolean before = admin.lease(outbox).paused();
            admin.pause(outbox, change.change());
            boolean changed = admin.lease(outbox).paused() != before;
            spec.commandLine()
                    .getOut()
                    .println("Outbox " + outbox
                            + (changed ? " is paused; relays stop within seconds" : " was paused before"));
            return changed ? ExitCodes.OK : ExitCodes.NOTHING;
        }
    }
}
