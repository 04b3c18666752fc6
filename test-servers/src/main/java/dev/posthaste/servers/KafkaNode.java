package dev.posthaste.servers;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/** One Kafka broker in KRaft mode; formats a new directory. Arguments: cluster id, properties file. */
final class KafkaNode {
    private KafkaNode() {}

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (var in = Files.newInputStream(Path.of(arguments[1]))) {
            properties.load(in);
        }
        if (!Files.exists(Path.of(properties.getProperty("log.dirs"), "meta.properties"))) {
            kafka.tools.StorageTool.execute(
                    new String[] {"format", "-t", arguments[0], "-c", arguments[1]}, System.out);
        }
        kafka.Kafka.main(new String[] {arguments[1]});
    }
}
