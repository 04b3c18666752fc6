package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every constant that limits something is in the table of docs/RELIABILITY.md, with its value and what happens beyond
 * it. The table may contain more constants than those whose names show that they are a bound.
 */
class BoundsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final List<String> MODULES =
            List.of("posthaste-core", "posthaste-relay", "posthaste-kafka", "posthaste-rabbitmq", "posthaste-server");
    private static final Pattern BOUND = Pattern.compile("(.*_)?(MAX|LIMIT)(_.*)?");
    private static final Pattern ROW =
            Pattern.compile("\\| `(\\w+\\.\\w+)` \\| ([0-9,.]+) ([^|]+?) \\| ([^|]+) \\| ([^|]*) ?\\|");
    private static final Pattern QUOTED = Pattern.compile("`(\\w+)(?:\\.(\\w+))?`");
    private static final Map<String, Double> UNITS = Map.of(
            "KiB", 1024.0,
            "MiB", 1024.0 * 1024,
            "us", 1e3,
            "ms", 1e6,
            "s", 1e9,
            "min", 60e9,
            "h", 3600e9,
            "days", 24 * 3600e9);

    /** A constant's row in the table. */
    private record Row(double value, boolean isTime, String beyond, String tests) {}

    private static Map<String, Row> table() throws IOException {
        Map<String, Row> rows = new TreeMap<>();
        String page = Files.readString(ROOT.resolve("docs/RELIABILITY.md"));
        int start = page.indexOf("| constant | value |");
        assertThat(start).as("the table of bounds in docs/RELIABILITY.md").isPositive();
        page.substring(start)
                .lines()
                .skip(2)
                .takeWhile(line -> line.startsWith("|"))
                .forEach(line -> {
                    Matcher row = ROW.matcher(line);
                    assertThat(row.matches())
                            .as("a constant, a number with a unit, a sentence, tests: %s", line)
                            .isTrue();
                    String unit = row.group(3).strip();
                    double value = Double.parseDouble(row.group(2).replace(",", "")) * UNITS.getOrDefault(unit, 1.0);
                    boolean isTime = UNITS.containsKey(unit) && !unit.endsWith("iB");
                    assertThat(rows.put(row.group(1), new Row(value, isTime, row.group(4), row.group(5))))
                            .as("%s is in the table twice", row.group(1))
                            .isNull();
                });
        return rows;
    }

    /** Every constant that is a number or a duration, by class and name; times in nanoseconds. */
    private static Map<String, Double> constants() throws Exception {
        Map<String, Double> constants = new TreeMap<>();
        for (String module : MODULES) {
            Path classes = ROOT.resolve(module).resolve("target/classes");
            try (Stream<Path> files = Files.walk(classes)) {
                for (Path file :
                        files.filter(each -> each.toString().endsWith(".class")).toList()) {
                    String name = classes.relativize(file)
                            .toString()
                            .replace('/', '.')
                            .replace(".class", "");
                    if (name.endsWith("package-info")) {
                        continue;
                    }
                    Class<?> type = Class.forName(name, false, BoundsTest.class.getClassLoader());
                    for (Field field : type.getDeclaredFields()) {
                        boolean isNumber = List.of(int.class, long.class, double.class, Duration.class)
                                .contains(field.getType());
                        if (isNumber
                                && Modifier.isStatic(field.getModifiers())
                                && Modifier.isFinal(field.getModifiers())) {
                            constants.put(type.getSimpleName() + "." + field.getName(), value(field));
                        }
                    }
                }
            }
        }
        return constants;
    }

    private static double value(Field field) throws IllegalAccessException {
        field.setAccessible(true);
        Object value = field.get(null);
        if (value instanceof Duration duration) {
            return duration.getSeconds() * 1e9 + duration.getNano();
        }
        String name = field.getName();
        double unit =
                name.endsWith("_MILLIS") ? 1e6 : name.endsWith("_SECONDS") ? 1e9 : name.endsWith("_MICROS") ? 1e3 : 1;
        return ((Number) value).doubleValue() * unit;
    }

    @Test
    void everyBoundIsInTheTableWithItsValue() throws Exception {
        Map<String, Row> table = table();
        Map<String, Double> constants = constants();
        List<String> wrong = new ArrayList<>();
        constants.forEach((name, value) -> {
            if (BOUND.matcher(name.substring(name.indexOf('.') + 1)).matches() && !table.containsKey(name)) {
                wrong.add(name + " (" + value + ") is missing from the table");
            }
        });
        table.forEach((name, row) -> {
            Double value = constants.get(name);
            if (value == null) {
                wrong.add(name + " is in the table, but not in the code");
            } else if (value != row.value()) {
                wrong.add(name + " is " + value + ", but " + row.value() + " in the table");
            }
        });
        assertThat(wrong).isEmpty();
        assertThat(table).hasSizeGreaterThan(80);
    }

    @Test
    void everyBoundSaysWhatHappensBeyondItAndNamesTestsThatThereAre() throws Exception {
        Map<String, String> tests = new TreeMap<>();
        try (Stream<Path> files = Files.walk(ROOT)) {
            for (Path file : files.filter(each -> each.toString().matches(".*/src/.*(Test|Contract)\\.java"))
                    .toList()) {
                tests.put(file.getFileName().toString().replace(".java", ""), Files.readString(file));
            }
        }
        for (Map.Entry<String, Row> each : table().entrySet()) {
            assertThat(each.getValue().beyond()).as(each.getKey()).hasSizeGreaterThan(15);
            Matcher named = QUOTED.matcher(each.getValue().tests());
            while (named.find()) {
                assertThat(tests).as(each.getKey()).containsKey(named.group(1));
                if (named.group(2) != null) {
                    assertThat(String.valueOf(tests.get(named.group(1))).contains(" " + named.group(2) + "("))
                            .as("%s: %s exists", each.getKey(), named.group())
                            .isTrue();
                }
            }
        }
    }
}
