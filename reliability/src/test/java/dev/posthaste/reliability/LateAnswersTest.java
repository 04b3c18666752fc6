package dev.posthaste.reliability;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.servers.Proxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The proxy simulates a slow broker. */
class LateAnswersTest {
    private static final Duration LATE = Duration.ofMillis(400);

    /** Each answer is delayed, but not by the answers before it; and none overtakes another. */
    @Test
    void answersAreLateAndKeepTheirOrder() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Proxy proxy = new Proxy(server.getLocalPort());
                Socket client = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
                Socket accepted = server.accept()) {
            accepted.setTcpNoDelay(true);
            proxy.delayAnswers((int) LATE.toMillis());
            long start = System.nanoTime();
            for (String answer : new String[] {"a", "b", "c"}) {
                answer(accepted, answer);
            }
            assertThat(read(client, 3)).isEqualTo("abc");
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isGreaterThan(LATE)
                    .isLessThan(LATE.multipliedBy(2));
            answer(accepted, "d");
            proxy.heal();
            answer(accepted, "e");
            assertThat(read(client, 2)).isEqualTo("de");
        }
    }

    private static String read(Socket socket, int bytes) throws IOException {
        return new String(socket.getInputStream().readNBytes(bytes), StandardCharsets.US_ASCII);
    }

    private static void answer(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
    }
}
