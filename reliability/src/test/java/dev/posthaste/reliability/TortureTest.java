package dev.posthaste.reliability;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.servers.Processes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Short campaigns, run as a user would; exit code 1 and the violations if there are any. */
class TortureTest {
    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path home;

    @Test
    void aShortCampaignOnTwoPairsBreaksNoPromise() {
        // RabbitMQ does not always restart after its disk was full, and there is no time to start over.
        String output = torture(
                0,
                "--minutes",
                "1.5",
                "--pairs",
                "postgresql-kafka,mariadb-rabbitmq",
                "--at-once",
                "1",
                "--without",
                "broker's disk full");
        assertThat(number(output, "events")).isGreaterThan(5_000);
        assertThat(number(output, "faults")).isGreaterThan(8);
        assertThat(number(output, "violations")).isZero();
    }

    @Test
    void aBugThatOnlyARealServerShowsIsNoticed() {
        String output = torture(
                1,
                "--minutes",
                "0.2",
                "--pairs",
                "postgresql-rabbitmq",
                "--faults",
                "queue unbound",
                "--plant",
                "a return ignored");
        assertThat(output)
                .contains("postgresql-rabbitmq: loss: ")
                .contains("postgresql-rabbitmq: trace: the broker acknowledged ");
        assertThat(number(output, "violations")).isPositive();
    }

    @Test
    void whatMetersAndConsoleDoNotTellIsNoticed() {
        String output = torture(
                1,
                "--minutes",
                "0.1",
                "--pairs",
                "sqlite-local",
                "--faults",
                "lease row deleted",
                "--plant",
                "dead events not counted");
        assertThat(output)
                .contains("sqlite-local: metrics: at the end, posthaste.relay.dead.now says 0, but ")
                .contains("sqlite-local: console: at the end, the console shows ");
    }

    /** @param code the expected exit code */
    private String torture(int code, String... options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(Processes.QUICK_TO_START);
        command.addAll(List.of("-Xmx384m", "-Djava.io.tmpdir=" + home, "dev.posthaste.reliability.torture.Torture"));
        command.addAll(List.of(options));
        // Not an option, because error messages quote options, and it would bury the violations.
        Map<String, String> classPath = Map.of("CLASSPATH", System.getProperty("java.class.path"));
        String output = Processes.output(code, Path.of("").toAbsolutePath(), classPath, command.toArray(String[]::new));
        System.out.println(output);
        return output;
    }

    private static long number(String output, String name) {
        Matcher found = Pattern.compile("(?m)^\\{.*\"" + name + "\":(\\d+)").matcher(output);
        assertThat(found.find()).as("%s in %s", name, output).isTrue();
        return Long.parseLong(found.group(1));
    }
}
