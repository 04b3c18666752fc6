package dev.posthaste.rabbitmq;

import com.rabbitmq.client.ConnectionFactory;
import java.io.IOException;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The socket of a connection, to be closed by force, because nothing else ends a write that hangs. Thread-safe. */
final class ConnectionSocket {
    private static final Logger log = LoggerFactory.getLogger(ConnectionSocket.class);

    private final AtomicReference<@Nullable Socket> socket = new AtomicReference<>();

    private ConnectionSocket() {}

    /** The socket of the next connection that the factory makes. */
    static ConnectionSocket of(ConnectionFactory factory) {
        ConnectionSocket next = new ConnectionSocket();
        var configurator = factory.getSocketConfigurator();
        factory.setSocketConfigurator(opened -> {
            configurator.configure(opened);
            next.socket.set(opened);
        });
        return next;
    }

    /** Works before there is a socket, and twice. */
    void close() {
        Socket opened = socket.get();
        if (opened != null && !opened.isClosed()) {
            try {
                opened.setSoLinger(true, 0); // a TLS socket would wait for the hanging write
                opened.close();
            } catch (IOException e) {
                log.debug("The socket was closed already", e);
            }
        }
    }
}
