package dev.posthaste.house;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The program that a newcomer reads first is one that a test runs. */
class QuickstartTest {
    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    @Test
    void theReadmeShowsTheProgramWordForWord() throws Exception {
        String section = between(read("README.md"), "\n## A first event\n", "\n## ");
        assertThat(between(section, "```java\n", "\n```")).isEqualTo(program());
    }

    @Test
    void theDocumentationOfTheCoreShowsItWordForWord() throws Exception {
        String comment = read("posthaste-core/src/main/java/dev/posthaste/package-info.java")
                .lines()
                .map(line -> line.replaceFirst("^ \\* ?", ""))
                .collect(Collectors.joining("\n"));
        assertThat(between(comment, "<pre>{@code\n", "\n}</pre>")).isEqualTo(program());
    }

    private static String program() throws IOException {
        String file = read("examples/quickstart/src/main/java/dev/posthaste/examples/quickstart/Quickstart.java");
        return file.substring(file.indexOf("import ")).stripTrailing();
    }

    private static String read(String file) throws IOException {
        return Files.readString(ROOT.resolve(file));
    }

    private static String between(String text, String start, String end) {
        int from = text.indexOf(start);
        assertThat(from).as("where '%s' is", start.strip()).isNotNegative();
        int to = text.indexOf(end, from + start.length());
        assertThat(to).as("where '%s' follows '%s'", end.strip(), start.strip()).isNotNegative();
        return text.substring(from + start.length(), to);
    }
}
