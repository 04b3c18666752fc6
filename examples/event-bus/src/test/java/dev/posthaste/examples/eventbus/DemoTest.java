package dev.posthaste.examples.eventbus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.examples.support.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command line: what it prints and how it ends. */
class DemoTest {
    @TempDir
    Path data;

    private static Ended run(String... arguments) {
        return Ended.of(() -> Demo.run(arguments));
    }

    private Ended load(String... more) {
        List<String> arguments = new ArrayList<>(List.of("--events", "200", "--exit", "--data", data.toString()));
        arguments.addAll(List.of(more));
        return run(arguments.toArray(String[]::new));
    }

    private static void assertComplaint(Ended ended, String what) {
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err().stream().filter(line -> line.startsWith("posthaste demo event-bus: ")))
                .singleElement()
                .asString()
                .contains(what)
                .doesNotContain("secret");
        assertThat(ended.err()).noneMatch(line -> line.contains("Exception: ") || line.startsWith("\tat "));
    }

    /** {@code ./posthaste demo --help} prints the file, without a build. */
    @Test
    void theHelpThatNeedsNoBuildIsThisHelp() throws Exception {
        assertThat(new CommandLine(new Demo()).setUsageHelpAutoWidth(false).getUsageMessage())
                .isEqualTo(Files.readString(Path.of("help.txt")));
    }

    @Test
    void aLoadRunEndsWithItsTallyAndIsFoundAgain() {
        String zeros = "\"duplicates\":0,\"lost\":0,\"phantoms\":0,\"outOfOrder\":0";
        String agent = "{\"agent\":{\"written\":150,\"published\":150,\"consumed\":150," + zeros + ",\"dead\":0}";
        Ended first = load("--fail-rate", "0.2");
        assertThat(first.code()).isZero();
        assertThat(first.out().get(first.out().size() - 1))
                .startsWith(agent)
                .contains("\"task\":{\"written\":50,", "\"chain\":{\"started\":150,\"ended\":150," + zeros + "}");
        Ended resumed = load("--resume");
        assertThat(resumed.code()).isZero();
        assertThat(resumed.out().get(0)).startsWith(agent);
        assertThat(resumed.err()).anyMatch(line -> line.contains("200 of 200 events exist already"));
        assertThat(load().out().get(0)).startsWith(agent);
    }

    @Test
    void aWrongOptionIsOneLineAndTwo() {
        assertComplaint(run("--nope"), "--nope");
        assertComplaint(run("--events", "0", "--exit"), "--events");
        assertComplaint(run("--events", "5"), "--exit");
        assertComplaint(run("--exit"), "--events");
        assertComplaint(run("--fail-rate", "1"), "--fail-rate");
        assertComplaint(run("--database", "mysql://x"), "--database");
        assertComplaint(run("--broker", "amqp://x"), "--broker");
        assertComplaint(run("--broker", "kafka://user:secret@host:1"), "--broker");
    }

    @Test
    void aServerThatCannotBeReachedIsOneLineAndTwo() {
        assertComplaint(
                run("--database", "jdbc:postgresql://127.0.0.1:1/x?password=secret", "--user", "u"),
                "jdbc:postgresql://127.0.0.1:1/x");
        assertComplaint(run("--data", data.toString(), "--broker", "kafka://127.0.0.1:1"), "127.0.0.1:1");
    }

    @Test
    void aDirectoryThatCannotBeUsedIsOneLineAndTwo() throws Exception {
        Path file = Files.createFile(data.resolve("file"));
        assertComplaint(run("--data", file.resolve("below").toString()), "Cannot use the directory");
    }
}
