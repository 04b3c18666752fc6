package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.examples.support.Ended;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
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
        List<String> arguments =
                new java.util.ArrayList<>(List.of("--changes", "300", "--exit", "--data", data.toString()));
        arguments.addAll(List.of(more));
        return run(arguments.toArray(String[]::new));
    }

    private static void assertComplaint(Ended ended, String what) {
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err().stream().filter(line -> line.startsWith("posthaste demo: ")))
                .singleElement()
                .asString()
                .contains(what)
                .doesNotContain("secret");
        assertThat(ended.err()).noneMatch(line -> line.contains("Exception") || line.startsWith("\tat "));
    }

    /** {@code ./posthaste demo --help} prints the file, without a build. */
    @Test
    void theHelpThatNeedsNoBuildIsThisHelp() throws Exception {
        assertThat(new CommandLine(new Demo()).setUsageHelpAutoWidth(false).getUsageMessage())
                .isEqualTo(Files.readString(Path.of("help.txt")));
    }

    @Test
    void aLoadRunEndsWithItsTallyAndIsFoundAgain() {
        Ended first = load();
        assertThat(first.code()).isZero();
        String zeros = "\"duplicates\":0,\"lost\":0,\"phantoms\":0,\"outOfOrder\":0,\"dead\":0,";
        assertThat(first.out().get(first.out().size() - 1))
                .startsWith("{\"written\":300,\"published\":300,\"consumed\":300,\"history\":300," + zeros);
        Ended resumed = load("--resume");
        assertThat(resumed.code()).isZero();
        assertThat(resumed.out().get(0)).startsWith("{\"written\":300,");
        assertThat(resumed.err()).anyMatch(line -> line.contains("300 of 300 changes exist already"));
        assertThat(load().out().get(0)).startsWith("{\"written\":300,");
    }

    @Test
    void aWrongOptionIsOneLineAndTwo() {
        assertComplaint(run("--nope"), "--nope");
        assertComplaint(run("--changes", "0"), "--changes");
        assertComplaint(run("--exit"), "--exit");
        assertComplaint(run("--port", "70000"), "--port");
        assertComplaint(run("--database", "postgres://x"), "--database");
        assertComplaint(run("--broker", "http://x"), "--broker");
    }

    @Test
    void aServerThatCannotBeReachedIsOneLineAndTwo() {
        assertComplaint(
                run("--database", "jdbc:postgresql://127.0.0.1:1/x?password=secret", "--user", "u"),
                "jdbc:postgresql://127.0.0.1:1/x");
        assertComplaint(run("--data", data.toString(), "--broker", "amqp://u:secret@127.0.0.1:1"), "127.0.0.1:1");
    }

    @Test
    void aPortInUseIsOneLineAndTwo() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = Integer.toString(taken.getLocalPort());
            assertComplaint(run("--data", data.toString(), "--port", port), "Port " + port + " is in use");
        }
    }

    @Test
    void aDirectoryThatCannotBeUsedIsOneLineAndTwo() throws Exception {
        Path file = Files.createFile(data.resolve("file"));
        assertComplaint(run("--data", file.resolve("below").toString()), "Cannot use the directory");
    }
}
