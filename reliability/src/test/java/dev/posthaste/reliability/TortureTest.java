package dev.posthaste.reliability;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.servers.Processes;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A short campaign, in the way a user would run it; exit code 1 and the violations if it finds any. */
class TortureTest {
    @TempDir
    Path home;

    @Test
    void aShortCampaignOnTwoPairsBreaksNoPromise() {
        String output = Processes.output(
                0,
                home,
                Map.of(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx384m",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.posthaste.reliability.torture.Torture",
                "--minutes",
                "1.5",
                "--pairs",
                "postgresql-kafka,mariadb-rabbitmq");
        System.out.println(output);
        assertThat(number(output, "events")).isGreaterThan(2_000);
        assertThat(number(output, "faults")).isGreaterThan(4);
        assertThat(number(output, "violations")).isZero();
    }

    private static long number(String output, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":(\\d+)").matcher(output);
        assertThat(found.find()).as("%s in %s", name, output).isTrue();
        return Long.parseLong(found.group(1));
    }
}
