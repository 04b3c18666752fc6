package dev.posthaste.server.cli;

import dev.posthaste.server.Daemon;
import dev.posthaste.server.Logging;
import dev.posthaste.server.config.Config;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description =
                "Runs the daemon until SIGTERM, which drains it: what is at the brokers is settled, leases are given back.")
final class RunCommand implements Callable<Integer> {
    private static final Logger log = LoggerFactory.getLogger(RunCommand.class);

    @Mixin
    private SiteOptions site = new SiteOptions();

    @Override
    public Integer call() throws InterruptedException {
        Config config = site.config();
        Logging.toStdout(config.jsonLog());
        Daemon daemon = Daemon.start(config);
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            log.info("Stopping: draining what is at the brokers");
                            daemon.close();
                            log.info("Stopped");
                            stopped.countDown();
                        },
                        "posthaste-stop"));
        stopped.await();
        return ExitCodes.OK;
    }
}
