package dev.posthaste.servers;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A disk in memory for a server's data that can be filled to the last byte. */
public final class SmallDisk implements AutoCloseable {
    private final Path path;

    private SmallDisk(Path path) {
        this.path = path;
    }

    /**
     * It is unmounted when the JVM ends, if not before.
     *
     * @throws IllegalStateException if this user may not mount; see {@link Processes#mayAdminister}
     */
    public static SmallDisk mount(int megabytes) {
        try {
            Path path = Files.createTempDirectory("posthaste-disk-");
            Processes.run(path, "mount", "-t", "tmpfs", "-o", "size=" + megabytes + "m", "tmpfs", path.toString());
            SmallDisk disk = new SmallDisk(path);
            Runtime.getRuntime().addShutdownHook(new Thread(disk::close, "unmount"));
            return disk;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path path() {
        return path;
    }

    /** Fills the disk: from now on nothing can be written to it. */
    public void fill() {
        for (int size = 1 << 20; size > 0; size /= 1 << 10) {
            byte[] bytes = new byte[size];
            try (OutputStream out = Files.newOutputStream(path.resolve("filler-" + size))) {
                while (true) {
                    out.write(bytes);
                }
            } catch (IOException e) {
                // no room for this many bytes
            }
        }
    }

    /** Deletes the file that fills the disk. */
    public void free() {
        try (var files = Files.newDirectoryStream(path, "filler-*")) {
            for (Path file : files) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public synchronized void close() {
        if (Files.exists(path)) {
            Processes.run(Path.of("/"), "umount", "-l", path.toString());
            try {
                Files.delete(path);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
