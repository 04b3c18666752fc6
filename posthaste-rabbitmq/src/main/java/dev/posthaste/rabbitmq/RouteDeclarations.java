package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ShutdownSignalException;
import dev.posthaste.Route;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Declares the routes that a broker has prepared, on one connection. A route that RabbitMQ refuses affects only its own
 * exchange: nothing is sent there until the route is declared, which is tried again after 500 ms at first and 30 s in
 * the end.
 *
 * <p>Confined to the publisher's thread.
 */
final class RouteDeclarations {
    private static final Logger log = LoggerFactory.getLogger(RabbitBroker.class);
    private static final long FIRST_WAIT_MILLIS = 500;
    private static final long MAX_WAIT_MILLIS = 30_000;

    private final String address;
    private final Connection connection;
    private final Known known;
    private final Set<Route> declared = new HashSet<>();

    /** What outlives a connection. Routes are added on any thread; the rest is confined to the publisher's. */
    static final class Known {
        private final Set<Route> routes = new CopyOnWriteArraySet<>();
        private final Map<Route, Refusal> refused = new HashMap<>();

        void add(Route route) {
            routes.add(route);
        }
    }

    /** Why a route could not be declared, and when that is tried again, on the clock of {@link System#nanoTime}. */
    private record Refusal(String reason, long waitMillis, long nextTry) {}

    RouteDeclarations(String address, Connection connection, Known known) {
        this.address = address;
        this.connection = connection;
        this.known = known;
    }

    /** Whether {@link #declare} has something to do now. */
    boolean isDue() {
        return !isComplete() && known.routes.stream().anyMatch(this::isDue);
    }

    private boolean isComplete() {
        return declared.size() == known.routes.size(); // routes are never removed
    }

    private boolean isDue(Route route) {
        Refusal refusal = known.refused.get(route);
        return !declared.contains(route) && (refusal == null || System.nanoTime() - refusal.nextTry() >= 0);
    }

    /**
     * Declares what is due.
     *
     * @param allowed asked before each route; while it returns false, RabbitMQ might not answer
     * @throws IOException if the connection is gone
     */
    void declare(BooleanSupplier allowed) throws IOException {
        for (Route route : known.routes) {
            if (isDue(route) && allowed.getAsBoolean()) {
                declare(route);
            }
        }
    }

    private void declare(Route route) throws IOException {
        try {
            RabbitTopology.declare(connection, route);
            declared.add(route);
            if (known.refused.remove(route) != null) {
                log.info("RabbitMQ at {}: the route {} is declared now", address, route);
            }
        } catch (IOException | RuntimeException e) {
            refused(route, reason(e));
            if (!connection.isOpen()) {
                throw e;
            }
        }
    }

    private void refused(Route route, String reason) {
        Refusal last = known.refused.get(route);
        long wait = last == null ? FIRST_WAIT_MILLIS : Math.min(2 * last.waitMillis(), MAX_WAIT_MILLIS);
        known.refused.put(route, new Refusal(reason, wait, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(wait)));
        log.warn(
                "RabbitMQ at {}: the route {} could not be declared; next try in {} ms: {}",
                address,
                route,
                wait,
                reason);
    }

    private static String reason(Exception e) {
        if (e.getCause() instanceof ShutdownSignalException closed
                && closed.getReason() instanceof AMQP.Channel.Close byServer) {
            return byServer.getReplyText();
        }
        Throwable cause = e.getCause();
        return cause == null || cause.getMessage() == null ? e.toString() : e + " (" + cause.getMessage() + ")";
    }

    /** Whether a route of the exchange has not been declared yet, for whatever reason. */
    boolean isPending(String exchange) {
        return !isComplete()
                && known.routes.stream()
                        .anyMatch(each -> each.destination().equals(exchange) && !declared.contains(each));
    }

    /** Why nothing can be sent to the exchange, or null if no route of it was refused. */
    @Nullable
    String refusal(String exchange) {
        if (isComplete()) {
            return null;
        }
        for (Map.Entry<Route, Refusal> each : known.refused.entrySet()) {
            Route route = each.getKey();
            if (route.destination().equals(exchange) && !declared.contains(route)) {
                return "the route " + route + " could not be declared: "
                        + each.getValue().reason();
            }
        }
        return null;
    }
}
