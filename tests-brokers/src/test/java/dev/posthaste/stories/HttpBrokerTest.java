package dev.posthaste.stories;

import com.sun.net.httpserver.HttpServer;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.testkit.PublishContract;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Proves the broker of {@link S16OwnTest}, on a server in this JVM. */
class HttpBrokerTest extends PublishContract {
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer server;

    HttpBrokerTest() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.start();
    }

    @Override
    protected Broker open() {
        return new S16OwnTest.HttpBroker();
    }

    @Override
    protected void listen(Listener listener) {
        server.createContext("/events", exchange -> {
            try (exchange) {
                listener.arrived(exchange.getRequestBody().readAllBytes());
                exchange.sendResponseHeaders(204, -1);
            } catch (Exception e) {
                throw new IOException(e);
            }
        });
    }

    private String url(String path) {
        return "http://localhost:" + server.getAddress().getPort() + path;
    }

    @Override
    protected Message message(Map<String, String> headers, String key, byte[] body) {
        return Message.of(url("/events"), body).key(key).headers(headers);
    }

    @Override
    protected Message unroutable() {
        return Message.of(url("/nowhere"), new byte[0]);
    }

    /** Each message is a connection. */
    @Override
    protected int atOnce() {
        return 64;
    }

    @Override
    protected void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
