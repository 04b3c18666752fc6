package dev.posthaste.servers;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Other programs: run to their end, or started and ended with this JVM. */
public final class Processes {
    /** Options for a short-lived JVM. */
    public static final List<String> QUICK_TO_START = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

    private Processes() {}

    /** Runs a program to its end and returns what it printed. */
    public static String run(Path directory, String... command) {
        return run(directory, Map.of(), command);
    }

    public static String run(Path directory, Map<String, String> environment, String... command) {
        return output(0, directory, environment, command);
    }

    /** The same for a program that is expected to exit with {@code code}. */
    public static String output(int code, Path directory, Map<String, String> environment, String... command) {
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
            builder.environment().putAll(environment);
            Process process = builder.start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            if (process.waitFor() != code) {
                throw new IllegalStateException(
                        List.of(command) + " exited with " + process.exitValue() + ": " + output);
            }
            return output;
        } catch (IOException e) {
            throw new IllegalStateException("Cannot run " + List.of(command), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while running " + List.of(command), e);
        }
    }

    /** Starts a program that is ended when this JVM ends. */
    public static Process start(
            String name, Path directory, Path log, Map<String, String> environment, String... command) {
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
            builder.environment().putAll(environment);
            Process process = builder.start();
            try {
                Runtime.getRuntime().addShutdownHook(new Thread(() -> end(process), "end-" + name));
            } catch (IllegalStateException e) { // this JVM is shutting down and would leave the process behind
                end(process);
                throw e;
            }
            return process;
        } catch (IOException e) {
            throw new IllegalStateException("Cannot start " + List.of(command), e);
        }
    }

    /** Starts a program on this JVM's class path; it logs to {@code NAME.log} in {@code home}. */
    public static Process java(
            String name, Path home, Map<String, String> environment, Class<?> main, String... arguments) {
        return java(name, home, null, List.of(), environment, main, arguments);
    }

    /**
     * @param before a class path that takes precedence over this JVM's, or null
     * @param options of the JVM, in addition to its usual ones
     */
    public static Process java(
            String name,
            Path home,
            @org.jspecify.annotations.Nullable Path before,
            List<String> options,
            Map<String, String> environment,
            Class<?> main,
            String... arguments) {
        List<String> command = new ArrayList<>(java("-Xmx128m"));
        command.addAll(QUICK_TO_START);
        command.addAll(options);
        command.addAll(List.of("-cp", classPath(before), main.getName()));
        command.addAll(List.of(arguments));
        return start(name, home, home.resolve(name + ".log"), environment, command.toArray(String[]::new));
    }

    /**
     * Runs a program on this JVM's class path to its end, with this JVM's output; returns its exit code.
     *
     * @param before a class path that takes precedence over this JVM's
     */
    public static int javaHere(Path before, Class<?> main, List<String> arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(java());
        command.addAll(likeThisJvm());
        command.addAll(List.of("-cp", classPath(before), main.getName()));
        command.addAll(arguments);
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    /** This JVM's compiler and collector options: a test's JVM starts quickly, a benchmark's reaches full speed. */
    static List<String> likeThisJvm() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.matches("-XX:(TieredStopAtLevel=.*|\\+Use.*GC)"))
                .toList();
    }

    static List<String> java(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(arguments));
        return command;
    }

    /** This JVM's class path, with {@code before} in front. */
    private static String classPath(@org.jspecify.annotations.Nullable Path before) {
        String classPath = System.getProperty("java.class.path");
        return before == null ? classPath : before + File.pathSeparator + classPath;
    }

    /**
     * Whether this user may mount disks and kill other processes' connections: root may, but not in every container.
     */
    public static boolean mayAdminister() {
        try {
            run(Path.of("/"), "unshare", "--mount", "true");
            return System.getProperty("user.name").equals("root");
        } catch (IllegalStateException e) {
            return false;
        }
    }

    private static void end(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Sends a signal by name, such as {@code STOP}, {@code CONT} or {@code KILL}. */
    public static void signal(String signal, long pid) {
        run(Path.of("/"), "kill", "-" + signal, Long.toString(pid));
    }

    /** The same for several processes; ignores those that end by themselves meanwhile. */
    static void signal(String signal, List<ProcessHandle> processes) {
        for (ProcessHandle each : processes) {
            try {
                signal(signal, each.pid());
            } catch (IllegalStateException e) {
                if (each.isAlive()) {
                    throw e;
                }
            }
        }
    }

    /** Deletes a directory when this JVM ends. */
    public static void deleteOnExit(Path directory) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(directory), "delete-" + directory.getFileName()));
    }

    private static void delete(Path directory) {
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(
                        Path visited, @org.jspecify.annotations.Nullable IOException e) throws IOException {
                    Files.deleteIfExists(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            // Left for the operating system's clean-up of temporary files.
        }
    }
}
