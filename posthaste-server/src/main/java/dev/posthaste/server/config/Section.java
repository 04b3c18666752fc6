package dev.posthaste.server.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * A mapping of the file. Each key is asked for by name; a key that is never asked for is a mistake. Mistakes are
 * collected, so that all are reported together, and the default is used meanwhile.
 */
final class Section {
    private static final Pattern SIZE = Pattern.compile("([0-9]+)\\s*(B|KiB|MiB|GiB)?");

    private static final Duration MAX_DURATION = Duration.ofDays(36_525);

    private final String path;
    private final int line;
    private final Map<String, Node> values = new LinkedHashMap<>();
    private final Map<String, Integer> lines = new LinkedHashMap<>();
    private final Set<String> known = new TreeSet<>();
    private final List<Section> inner = new ArrayList<>();
    private final List<Problem> problems;
    private final Secrets secrets;

    /** @param line of the section's own key; 0 for that of its first word */
    Section(String path, @Nullable Node node, int line, List<Problem> problems, Secrets secrets) {
        this.path = path;
        this.line = line == 0 && node != null ? line(node) : line;
        this.problems = problems;
        this.secrets = secrets;
        if (node instanceof MappingNode mapping) {
            for (NodeTuple tuple : mapping.getValue()) {
                String key = tuple.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "?";
                if (values.put(key, tuple.getValueNode()) != null) {
                    problem(line(tuple.getKeyNode()), "'" + key + "' appears twice");
                }
                lines.put(key, line(tuple.getKeyNode()));
            }
        } else if (node != null && !isNull(node)) {
            problem(
                    this.line,
                    (path.isEmpty() ? "the file" : "'" + path + "'") + " must be a mapping of keys to values");
        }
    }

    private static int line(Node node) {
        return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(0);
    }

    private static boolean isNull(Node node) {
        return node instanceof ScalarNode scalar
                && (scalar.getValue().isEmpty()
                        || scalar.getValue().equals("null")
                        || scalar.getValue().equals("~"));
    }

    int line() {
        return line;
    }

    /** The line of a key, or of the section when the key is missing. */
    int line(String key) {
        return lines.getOrDefault(key, line);
    }

    boolean has(String key) {
        return values.containsKey(key) && !isNull(values.get(key));
    }

    List<String> keys() {
        return List.copyOf(values.keySet());
    }

    void problem(int line, String message) {
        problems.add(new Problem(line, message));
    }

    private String name(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private @Nullable Node value(String key) {
        known.add(key);
        Node node = values.get(key);
        return node == null || isNull(node) ? null : node;
    }

    // --- Values ------------------------------------------------------------------------------------------------------

    @Nullable
    String text(String key) {
        Node node = value(key);
        if (node == null) {
            return null;
        }
        if (!(node instanceof ScalarNode scalar)) {
            problem(line(node), "'" + name(key) + "' must be one value");
            return null;
        }
        return resolve(key, scalar);
    }

    private @Nullable String resolve(String key, ScalarNode scalar) {
        try {
            return secrets.resolve(scalar.getValue());
        } catch (IllegalArgumentException e) {
            problem(line(scalar), "'" + name(key) + "': " + e.getMessage());
            return null;
        }
    }

    String text(String key, String fallback) {
        String text = text(key);
        return text == null ? fallback : text;
    }

    /** The empty string when it is missing, which is a mistake. */
    String required(String key) {
        boolean there = value(key) != null;
        String text = text(key);
        if (!there) {
            problem(line, "'" + name(key) + "' is missing");
        }
        return text == null ? "" : text;
    }

    /** The value of something that has several names; using two of them is a mistake. Null when none is given. */
    @Nullable
    String named(String... names) {
        String value = null;
        String used = null;
        for (String each : names) {
            String text = text(each);
            if (has(each) && used != null) {
                problem(line(each), "'" + name(used) + "' and '" + name(each) + "' mean the same; use one of them");
            } else if (has(each)) {
                used = each;
                value = text;
            }
        }
        return value;
    }

    /** Like {@link #named}; the empty string when none is given, which is a mistake. */
    String requiredNamed(String... names) {
        String value = named(names);
        if (Arrays.stream(names).noneMatch(this::has)) {
            problem(
                    line,
                    "'" + name(names[0]) + "' is missing (or "
                            + String.join(", or ", List.of(names).subList(1, names.length)) + ")");
        }
        return value == null ? "" : value;
    }

    <T> T parsed(String key, T fallback, String wanted, Function<String, @Nullable T> parser) {
        String text = text(key);
        if (text == null) {
            return fallback;
        }
        T value = null;
        try {
            value = parser.apply(text.strip());
        } catch (IllegalArgumentException e) {
            // reported below, in words for the file's author
        }
        if (value == null) {
            problem(line(key), "'" + name(key) + "' must be " + wanted + ", not '" + text + "'");
            return fallback;
        }
        return value;
    }

    int number(String key, int fallback, int least, int most) {
        return parsed(key, fallback, "a number from " + least + " to " + most, text -> {
            int number = Integer.parseInt(text.replace("_", ""));
            return number >= least && number <= most ? number : null;
        });
    }

    double fraction(String key, double fallback) {
        return parsed(key, fallback, "a number from 0 to 1", text -> {
            double number = Double.parseDouble(text);
            return number >= 0 && number <= 1 ? number : null;
        });
    }

    boolean flag(String key, boolean fallback) {
        return parsed(key, fallback, "true or false", text -> switch (text.toLowerCase(Locale.ROOT)) {
            case "true", "yes", "on" -> true;
            case "false", "no", "off" -> false;
            default -> null;
        });
    }

    Duration duration(String key, Duration fallback) {
        Duration duration = parsed(key, fallback, "a duration like 250ms, 10s, 5m, 12h or 7d", ConfigDurations::parse);
        if (duration.compareTo(MAX_DURATION) > 0) {
            problem(line(key), "'" + name(key) + "' must be at most 100 years (36525d)");
            return fallback;
        }
        return duration;
    }

    long bytes(String key, long fallback) {
        return parsed(key, fallback, "a size like 64MiB", text -> {
            Matcher matcher = SIZE.matcher(text);
            if (!matcher.matches()) {
                return null;
            }
            String unit = matcher.group(2);
            int shift = unit == null || unit.equals("B") ? 0 : unit.equals("KiB") ? 10 : unit.equals("MiB") ? 20 : 30;
            long number = Long.parseLong(matcher.group(1));
            return number > Long.MAX_VALUE >> shift ? null : number << shift;
        });
    }

    <E extends Enum<E>> E choice(String key, E fallback) {
        E[] all = fallback.getDeclaringClass().getEnumConstants();
        List<String> names = new ArrayList<>();
        for (E each : all) {
            names.add(each.name().toLowerCase(Locale.ROOT).replace('_', '-'));
        }
        return parsed(key, fallback, "one of " + String.join(", ", names), text -> {
            int at = names.indexOf(text);
            return at < 0 ? null : all[at];
        });
    }

    /** One value, or a list of them. */
    List<String> texts(String key) {
        Node node = value(key);
        List<String> texts = new ArrayList<>();
        List<Node> nodes =
                node == null ? List.of() : node instanceof SequenceNode list ? list.getValue() : List.of(node);
        for (Node each : nodes) {
            String text = each instanceof ScalarNode scalar ? resolve(key, scalar) : null;
            if (text != null) {
                texts.add(text);
            } else if (!(each instanceof ScalarNode)) {
                problem(line(each), "'" + name(key) + "' must be a list of values");
            }
        }
        return texts;
    }

    /** Every key of a mapping with its value; nothing is unknown here. */
    Map<String, String> properties(String key) {
        Map<String, String> properties = new LinkedHashMap<>();
        Section section = section(key);
        for (String name : section.keys()) {
            properties.put(name, section.text(name, ""));
        }
        return properties;
    }

    /** The name of something that is configured elsewhere in the file; may be left out when there is only one. */
    String oneOf(String key, Set<String> names) {
        String name = text(key);
        if (name == null) {
            if (names.size() == 1) {
                return names.iterator().next();
            }
            problem(line, "'" + key + "' is missing; it is one of " + names);
            return "";
        }
        if (!names.contains(name)) {
            problem(line(key), "there is no " + key + " '" + name + "'; there are " + names);
        }
        return name;
    }

    /** What is made from this section's values; null if they contradict each other, which is a mistake. */
    <T> @Nullable T valid(Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            problem(line, Objects.requireNonNullElse(e.getMessage(), "it cannot be used"));
            return null;
        }
    }

    // --- Sections ----------------------------------------------------------------------------------------------------

    /** The section of a key; an empty one when it is missing. */
    Section section(String key) {
        Node node = value(key);
        Section section = new Section(name(key), node, line(key), problems, secrets);
        inner.add(section);
        return section;
    }

    /** The sections of a mapping by their names. */
    Map<String, Section> sections(String key) {
        Section all = section(key);
        Map<String, Section> sections = new LinkedHashMap<>();
        for (String name : all.keys()) {
            sections.put(name, all.section(name));
        }
        return sections;
    }

    /** The sections of a list. */
    List<Section> list(String key) {
        Node node = value(key);
        List<Section> sections = new ArrayList<>();
        if (node instanceof SequenceNode list) {
            for (Node each : list.getValue()) {
                Section section = new Section(name(key) + "[" + sections.size() + "]", each, 0, problems, secrets);
                inner.add(section);
                sections.add(section);
            }
        } else if (node != null) {
            problem(line(node), "'" + name(key) + "' must be a list");
        }
        return sections;
    }

    // --- Unknown keys ------------------------------------------------------------------------------------------------

    void reportUnknown() {
        for (String key : values.keySet()) {
            if (!known.contains(key)) {
                problem(line(key), "there is no '" + name(key) + "'" + nearest(key));
            }
        }
        inner.forEach(Section::reportUnknown);
    }

    private String nearest(String key) {
        String nearest = null;
        int best = Math.max(2, key.length() / 2);
        for (String each : known) {
            int distance = distance(key.toLowerCase(Locale.ROOT), each);
            if (distance <= best && (nearest == null || distance < best)) {
                best = distance;
                nearest = each;
            }
        }
        return nearest == null ? "; there are " + String.join(", ", known) : "; did you mean '" + nearest + "'?";
    }

    /** The Levenshtein distance. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(Math.min(row[j] + 1, row[j - 1] + 1), change);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
