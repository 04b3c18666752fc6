package dev.posthaste.server.cli;

import dev.posthaste.server.Deployment;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.ConfigReader;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The options by which every command finds its deployment. */
final class DeploymentOptions {
    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            defaultValue = "posthaste.yml",
            description = "The configuration; ${DEFAULT-VALUE} if not given.")
    Path file = Path.of("posthaste.yml");

    Config config() {
        return ConfigReader.read(file, System.getenv());
    }

    Deployment open() {
        return Deployment.open(config());
    }
}
