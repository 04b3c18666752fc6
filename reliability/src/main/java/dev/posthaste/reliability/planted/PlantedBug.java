package dev.posthaste.reliability.planted;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A bug that relays and inboxes could have, to be put into them on purpose.
 *
 * @param name the name in reports and on the command line
 * @param seed a seed from which the simulation soon finds it
 * @param checkers those that may detect it first
 * @param edits the changes to Posthaste's sources
 */
public record PlantedBug(String name, long seed, List<String> checkers, List<Edit> edits) {

    /**
     * @param file relative to the repository's root
     * @param text the original text, which occurs exactly once
     * @param instead the text that plants the bug
     */
    public record Edit(String file, String text, String instead) {}

    /** Finds a bug by its name on the command line. */
    public static final class ByName implements ITypeConverter<PlantedBug> {
        @Override
        public PlantedBug convert(String name) {
            return named(name);
        }
    }

    /**
     * Compiles the changed sources of the repository around the working directory, against this JVM's class path.
     *
     * @param into the directory for the classes, to be put before the real ones on the class path
     * @throws IllegalStateException if a text to be replaced no longer exists, or the result does not compile
     */
    public void plant(Path into) throws IOException {
        Path root = repository();
        String classPath = ManagementFactory.getRuntimeMXBean().getClassPath();
        Map<String, String> changed = new LinkedHashMap<>();
        for (Edit edit : edits) {
            String source = changed.containsKey(edit.file())
                    ? changed.get(edit.file())
                    : Files.readString(root.resolve(edit.file()));
            int at = source.indexOf(edit.text());
            if (at < 0 || source.indexOf(edit.text(), at + 1) >= 0) {
                throw new IllegalStateException("Planted bug " + name + ": " + edit.file()
                        + " should contain this text exactly once:\n" + edit.text());
            }
            changed.put(edit.file(), source.replace(edit.text(), edit.instead()));
        }
        Files.createDirectories(into);
        Path sources = into.resolve("sources");
        List<String> arguments =
                new ArrayList<>(List.of("-proc:none", "-nowarn", "-cp", classPath, "-d", into.toString()));
        for (Map.Entry<String, String> each : changed.entrySet()) {
            Path file = sources.resolve(Path.of(each.getKey()).getFileName());
            Files.createDirectories(sources);
            Files.writeString(file, each.getValue());
            arguments.add(file.toString());
        }
        compile(arguments);
    }

    private void compile(List<String> arguments) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new IllegalStateException("Planting bugs requires a JDK, but this Java runtime has no compiler");
        }
        StringWriter messages = new StringWriter();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            List<String> options =
                    arguments.stream().filter(each -> !each.endsWith(".java")).toList();
            List<Path> sources = arguments.stream()
                    .filter(each -> each.endsWith(".java"))
                    .map(Path::of)
                    .toList();
            boolean compiled = compiler.getTask(
                            messages, files, null, options, null, files.getJavaFileObjectsFromPaths(sources))
                    .call();
            if (!compiled) {
                throw new IllegalStateException("Planted bug " + name + " does not compile:\n" + messages);
            }
        }
    }

    /** All bugs that the simulation detects. */
    public static Stream<PlantedBug> inSimulation() {
        return Stream.of(PlantedBugs.ALL, PlantedBugs.OF_RARE_WORLDS, AuditBugs.ALL)
                .flatMap(List::stream);
    }

    /** All bugs that the campaign is expected to detect. */
    public static Stream<PlantedBug> inCampaign() {
        return CampaignBugs.ALL.stream();
    }

    private static PlantedBug named(String name) {
        return all().filter(bug -> bug.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("There is no planted bug '" + name + "'; the bugs are "
                        + all().map(PlantedBug::name).toList()));
    }

    private static Stream<PlantedBug> all() {
        return Stream.concat(CampaignBugs.ALL.stream(), inSimulation());
    }

    /**
     * Loads Posthaste's classes again, those with the bug before the others; everything else is shared with this
     * class's own loader.
     *
     * @param planted where {@link #plant} put them
     */
    public static URLClassLoader load(Path planted) throws IOException {
        List<URL> places = new ArrayList<>();
        places.add(planted.toUri().toURL());
        for (String place : ManagementFactory.getRuntimeMXBean().getClassPath().split(File.pathSeparator)) {
            places.add(Path.of(place).toUri().toURL());
        }
        return new URLClassLoader(places.toArray(URL[]::new), PlantedBug.class.getClassLoader()) {
            @Override
            protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
                synchronized (getClassLoadingLock(name)) {
                    if (!name.startsWith("dev.posthaste.")) {
                        return super.loadClass(name, resolve);
                    }
                    Class<?> loaded = findLoadedClass(name);
                    return loaded == null ? findClass(name) : loaded;
                }
            }
        };
    }

    /** The repository around the working directory. */
    private static Path repository() {
        for (Path each = Path.of("").toAbsolutePath(); each != null; each = each.getParent()) {
            if (Files.exists(each.resolve("posthaste-core/pom.xml"))) {
                return each;
            }
        }
        throw new IllegalStateException("Planting bugs requires Posthaste's sources: run it inside the repository");
    }

    @Override
    public String toString() {
        return name;
    }
}
