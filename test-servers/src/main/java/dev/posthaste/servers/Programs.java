package dev.posthaste.servers;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Programs from Debian packages rather than Maven artifacts. */
public final class Programs {
    private static final String INSTALLER = "test-servers/install";

    private Programs() {}

    /**
     * Installs the packages when {@code file} is missing.
     *
     * @throws IllegalStateException if it is still missing afterwards
     */
    public static synchronized void require(Path file) {
        if (Files.exists(file)) {
            return;
        }
        Path root = checkout();
        if (root != null) {
            Processes.run(root, root.resolve(INSTALLER).toString());
        }
        if (!Files.exists(file)) {
            throw new IllegalStateException(file + " is missing, and " + INSTALLER + " did not install it: install the"
                    + " Debian packages rabbitmq-server, libfaketime, libeatmydata1, iproute2, chromium and"
                    + " chromium-driver");
        }
    }

    private static @Nullable Path checkout() {
        for (Path each = Path.of("").toAbsolutePath(); each != null; each = each.getParent()) {
            if (Files.isExecutable(each.resolve(INSTALLER))) {
                return each;
            }
        }
        return null;
    }
}
