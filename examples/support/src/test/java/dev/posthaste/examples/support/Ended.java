package dev.posthaste.examples.support;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.IntSupplier;

/** How a demo ended, and the lines that it printed. */
public record Ended(int code, List<String> out, List<String> err) {

    /** Runs a demo in this JVM. */
    public static Ended of(IntSupplier demo) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
        ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
        try {
            int code = demo.getAsInt();
            return new Ended(
                    code,
                    outBytes.toString(StandardCharsets.UTF_8).lines().toList(),
                    errBytes.toString(StandardCharsets.UTF_8).lines().toList());
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }
}
