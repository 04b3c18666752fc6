package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An application writes, relays and handles events with any of the optional libraries, or none. */
class OptionalLibrariesTest {
    /** Spring Boot 3's version of Jackson 2, copied by the build; nothing on this module's class path is as old. */
    private static final Path BOOT_3 = Path.of("target", "spring-boot-3");

    private static final String JACKSON_3 = "jackson-(core|databind)-3\\..*";
    private static final String JACKSON_2 = "jackson-.*-2\\..*";
    private static final String TELEMETRY = "(micrometer|opentelemetry)-.*";
    private static final String COORDINATES = "tools.jackson.core:jackson-databind (Jackson 3) or"
            + " com.fasterxml.jackson.core:jackson-databind (Jackson 2, 2.18 or later)";

    private static final List<String> ADAPTERS = List.of(
            "dev.posthaste.inbox.InboxMeters",
            "dev.posthaste.jackson.Jackson2Serializer",
            "dev.posthaste.jackson.JacksonSerializer",
            "dev.posthaste.opentelemetry.OpenTelemetryTracing",
            "dev.posthaste.relay.RelayMeters");

    /** An application with this module's class path, without the files of these names, plus others. */
    private static URLClassLoader application(String without, Path... more) throws IOException {
        List<URL> urls = new ArrayList<>();
        for (Path path : classPath()) {
            String name = path.getFileName().toString();
            if (!name.matches(without) && !name.matches(TELEMETRY)) {
                urls.add(url(path));
            }
        }
        for (Path each : more) {
            try (Stream<Path> files = Files.list(each)) {
                for (Path file : files.toList()) {
                    urls.add(url(file));
                }
            }
        }
        return new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
    }

    private static List<Path> classPath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .toList();
    }

    private static URL url(Path path) throws MalformedURLException {
        return path.toUri().toURL();
    }

    private static String call(URLClassLoader application, String method) throws Exception {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(application);
        try {
            return String.valueOf(application
                    .loadClass(OptionalLibraries.class.getName())
                    .getMethod(method)
                    .invoke(null));
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    @Test
    void withJackson3Alone() throws Exception {
        try (URLClassLoader application = application("jackson-(core|databind)-2\\..*")) {
            assertThat(call(application, "serializer")).isEqualTo("JacksonSerializer");
            assertThat(call(application, "object")).isEqualTo("Order[product=tea, amount=3] ä");
            assertThat(call(application, "text")).isEqualTo("a text");
        }
    }

    @Test
    void withJackson2Alone() throws Exception {
        try (URLClassLoader application = application(JACKSON_3 + "|" + JACKSON_2, BOOT_3)) {
            assertThat(call(application, "serializer")).isEqualTo("Jackson2Serializer");
            assertThat(call(application, "object")).isEqualTo("Order[product=tea, amount=3] ä");
            assertThat(call(application, "text")).isEqualTo("a text");
        }
    }

    /** Jackson 3.2 with the annotations of Spring Boot 3, which lack what Jackson looks for in every class. */
    @Test
    void withAJackson3ThatItsAnnotationsBreak() throws Exception {
        try (URLClassLoader application = application(JACKSON_2, BOOT_3)) {
            assertThat(call(application, "serializer"))
                    .startsWith("Jackson2Serializer; WARN Jackson 3 is on the class path")
                    .contains("NoClassDefFoundError: com/fasterxml/jackson/annotation/")
                    .endsWith("Payloads go through Jackson 2");
            assertThat(call(application, "object")).isEqualTo("Order[product=tea, amount=3] ä");
        }
    }

    @Test
    void withoutJacksonBytesAndTextWork() throws Exception {
        try (URLClassLoader application = application(JACKSON_3 + "|" + JACKSON_2)) {
            assertThat(call(application, "text")).isEqualTo("a text");
            assertThat(call(application, "refusedObject"))
                    .startsWith("InvalidEventException: ")
                    .contains("OptionalLibraries$Order", COORDINATES);
            assertThat(call(application, "refusedInbox"))
                    .startsWith("IllegalArgumentException: ")
                    .contains("OptionalLibraries$Order", COORDINATES);
        }
    }

    /** As after an update of only one of several libraries. */
    @Test
    void withAJackson2WhoseModuleIsGone(@TempDir Path folder) throws Exception {
        Path services = Files.createDirectories(folder.resolve("classes/META-INF/services"));
        Files.writeString(services.resolve("com.fasterxml.jackson.databind.Module"), "com.acme.GoneModule");
        try (URLClassLoader application = application(JACKSON_3 + "|" + JACKSON_2, BOOT_3, folder)) {
            assertThat(call(application, "serializer")).isEqualTo("MissingSerializer");
            assertThat(call(application, "text")).isEqualTo("a text");
            assertThat(call(application, "refusedObject"))
                    .startsWith("InvalidEventException: ")
                    .contains("OptionalLibraries$Order", "no Jackson that works");
        }
    }

    /** Mocks, Spring and others ask a class for its methods, which fails if one of them names a missing class. */
    @Test
    void whateverIsMissingAllClassesButTheAdaptersCanBeLookedAt() throws Exception {
        List<String> broken = new ArrayList<>();
        int seen = 0;
        try (URLClassLoader application = application(JACKSON_3 + "|" + JACKSON_2)) {
            for (String name : posthasteClasses()) {
                try {
                    seen += members(Class.forName(name, false, application));
                } catch (LinkageError e) {
                    broken.add(name);
                }
            }
        }
        assertThat(seen).as("methods, constructors and fields").isGreaterThan(2_000);
        assertThat(broken.stream()
                        .filter(name -> !name.contains("$") && !name.startsWith("dev.posthaste.internal."))
                        .sorted())
                .containsExactlyElementsOf(ADAPTERS);
    }

    private static int members(Class<?> each) {
        return each.getDeclaredMethods().length
                + each.getDeclaredConstructors().length
                + each.getDeclaredFields().length;
    }

    private static List<String> posthasteClasses() throws IOException {
        List<String> names = new ArrayList<>();
        for (Path path : classPath()) {
            boolean isOurs = path.toString().matches(".*posthaste-(core|relay).*");
            if (isOurs && Files.isDirectory(path)) {
                addClasses(path, names);
            } else if (isOurs) {
                try (FileSystem jar = FileSystems.newFileSystem(path)) {
                    addClasses(jar.getPath("/"), names);
                }
            }
        }
        return names;
    }

    private static void addClasses(Path root, List<String> names) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            files.map(file -> root.relativize(file).toString())
                    .filter(file -> file.startsWith("dev") && file.endsWith(".class") && !file.contains("-info"))
                    .map(file ->
                            file.replaceAll("\\.class$", "").replace('/', '.').replace('\\', '.'))
                    .forEach(names::add);
        }
    }
}
