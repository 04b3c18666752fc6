package dev.posthaste.house;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The rules of style that a machine can check. */
class TidyTest {
    private static final int MAX_LINES = 400;
    private static final int MAX_LINES_OF_TESTS = 500;
    private static final Pattern MODULE = Pattern.compile("<module>(.+)</module>");
    private static final Pattern LEFTOVER = Pattern.compile("(?m)^ *// .*\\R *// (\\w+|-+)$");
    private static final Pattern VAGUE =
            Pattern.compile("(Abstract|Default|Base)[A-Z].*|.*(Impl|Manager|Helper|Util|Utils)");

    private static final Pattern THROWABLE = Pattern.compile(
            "class (\\w+)(?:<[^{]*>)?\\s+extends\\s+(?:\\w+\\.)*(?:\\w*(?:Exception|Error)|Throwable)\\b");
    private static final Pattern OTHER_BOUND =
            Pattern.compile("static final \\w+ ((\\w+_)?(MOST|LONGEST|LARGEST|SHORTEST)(_\\w+)?) =");

    private static List<Path> sources(String under) throws IOException {
        Path root = Path.of("").toAbsolutePath().getParent();
        List<Path> found = new ArrayList<>();
        for (String module : modules(root)) {
            Path directory = root.resolve(module).resolve(under);
            if (Files.isDirectory(directory)) {
                try (Stream<Path> files = Files.walk(directory)) {
                    files.filter(file -> file.toString().endsWith(".java")).forEach(found::add);
                }
            }
        }
        assertThat(found).as("files under " + under).hasSizeGreaterThan(100);
        return found;
    }

    private static List<String> modules(Path root) throws IOException {
        return MODULE.matcher(Files.readString(root.resolve("pom.xml")))
                .results()
                .map(module -> module.group(1))
                .toList();
    }

    @Test
    void noFileIsTooLongToSeeWhole() throws Exception {
        for (Path file : sources("src")) {
            boolean test = file.toString().matches(".*/(src/test|tests|tests-brokers)/.*");
            assertThat(Files.readAllLines(file).size())
                    .as("lines of " + file)
                    .isLessThanOrEqualTo(test ? MAX_LINES_OF_TESTS : MAX_LINES);
        }
    }

    @Test
    void namesSayWhatAThingIs() throws Exception {
        for (Path file : sources("src")) {
            String name = file.getFileName().toString().replace(".java", "");
            assertThat(VAGUE.matcher(name).matches()).as(name).isFalse();
        }
    }

    @Test
    void whatIsThrownIsCalledExceptionOrError() throws Exception {
        for (Path file : sources("src")) {
            assertThat(THROWABLE.matcher(Files.readString(file)).results().map(thrown -> thrown.group(1)))
                    .as(file.toString())
                    .allMatch(name -> name.matches("\\w+(Exception|Error)"));
        }
    }

    @Test
    void boundsAreCalledMaxOrMin() throws Exception {
        for (Path file : sources("src")) {
            assertThat(OTHER_BOUND.matcher(Files.readString(file)).results().map(bound -> bound.group(1)))
                    .as(file.toString())
                    .isEmpty();
        }
    }

    @Test
    void everyPackageSaysWhatItIsForAndIsNullMarked() throws Exception {
        for (Path file : sources("src/main/java")) {
            Path description = file.resolveSibling("package-info.java");
            assertThat(description).exists();
            assertThat(Files.readString(description)).startsWith("/**").contains("@NullMarked");
        }
    }

    /** What the formatter leaves of an overlong section rule, or of an overlong comment at the end of a line. */
    @Test
    void noCommentEndsInALineOfOneWord() throws Exception {
        for (Path file : sources("src")) {
            assertThat(LEFTOVER.matcher(Files.readString(file)).results().map(MatchResult::group))
                    .as(file.toString())
                    .isEmpty();
        }
    }

    @Test
    void nothingIsPutOffAndNothingReadsSystemProperties() throws Exception {
        for (Path file : sources("src/main/java")) {
            String text = Files.readString(file);
            // The testkit's contracts are in src/main.
            assertThat(text)
                    .as(file.toString())
                    .doesNotContain("TO" + "DO", "FIX" + "ME", "@Disa" + "bled", "assume" + "That");
            if (!file.toString().contains("/servers/")) {
                assertThat(text).as(file.toString()).doesNotContain("System.getProperty");
            }
        }
        for (Path file : sources("src/test/java")) {
            assertThat(Files.readString(file)).as(file.toString()).doesNotContain("@Disa" + "bled", "assume" + "That");
        }
    }
}
