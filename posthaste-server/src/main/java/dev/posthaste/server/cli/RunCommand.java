package dev.posthaste.server.cli;

import dev.posthaste.server.Daemon;
import dev.posthaste.server.Logging;
import dev.posthaste.server.config.Config;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description =
                "Runs the daemon until SIGTERM, which drains it: what is at the brokers is settled, leases are released.")
final class RunCommand implements Callable<Integer> {
    private static final Logger log = LoggerFactory.getLogger(RunCommand.class);
    /** How long a stop waits for a start that is in progress. */
    private static final Duration MAX_START = Duration.ofSeconds(30);

    @Mixin
    private DeploymentOptions deployment = new DeploymentOptions();

    @Override
    public Integer call() throws InterruptedException {
        Config config = deployment.config();
        Logging.toStdout(config.jsonLog());
        CompletableFuture<Daemon> started = new CompletableFuture<>();
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(started, stopped), "posthaste-stop"));
        try {
            started.complete(Daemon.start(config));
        } catch (RuntimeException e) {
            started.completeExceptionally(e);
            throw e;
        }
        stopped.await();
        return ExitCodes.OK;
    }

    /** A daemon that is still starting may own outboxes already, and releases them too. */
    private static void stop(CompletableFuture<Daemon> started, CountDownLatch stopped) {
        try {
            Daemon daemon = started.get(MAX_START.toMillis(), TimeUnit.MILLISECONDS);
            log.info("Stopping: draining what is at the brokers");
            daemon.close();
            log.info("Stopped");
        } catch (ExecutionException e) {
            // It did not start, and has reported why.
        } catch (TimeoutException e) {
            log.warn("Stopping: it has not started within {} s; not waiting any longer", MAX_START.toSeconds());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            stopped.countDown();
        }
    }
}
