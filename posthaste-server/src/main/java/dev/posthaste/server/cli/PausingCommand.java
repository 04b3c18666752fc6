package dev.posthaste.server.cli;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.server.Site;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What stops an outbox or lets it go on. */
abstract class PausingCommand implements Callable<Integer> {
    @Mixin
    private SiteOptions site = new SiteOptions();

    @Mixin
    private Output output = new Output();

    @Mixin
    private ChangeOptions change = new ChangeOptions();

    @Parameters(paramLabel = "OUTBOX", description = "The outbox.")
    private String outbox = "";

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    record Line(String outbox, boolean paused, boolean changed) {}

    abstract void change(Admin admin, String outbox, Change change);

    abstract String tell(boolean changed);

    @Override
    public Integer call() {
        try (Site open = site.open()) {
            Admin admin = open.admin();
            boolean before = admin.lease(outbox).paused();
            change(admin, outbox, change.change());
            boolean paused = admin.lease(outbox).paused();
            boolean changed = paused != before;
            PrintWriter out = spec.commandLine().getOut();
            if (output.json) {
                Output.json(out, new Line(outbox, paused, changed));
            } else {
                out.println("Outbox " + outbox + " " + tell(changed));
            }
            return changed ? ExitCodes.OK : ExitCodes.NOTHING;
        }
    }
}
