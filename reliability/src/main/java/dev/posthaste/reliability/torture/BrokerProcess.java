package dev.posthaste.reliability.torture;

import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.RabbitServer;
import org.jspecify.annotations.Nullable;

/** A broker that can be killed, stopped, frozen and started again, whichever it is. */
record BrokerProcess(
        String address,
        Runnable kill,
        Runnable stop,
        Runnable startAgain,
        java.util.function.Consumer<String> signal,
        @Nullable RabbitServer rabbit,
        Runnable end)
        implements AutoCloseable {

    static BrokerProcess of(RabbitServer server) {
        return new BrokerProcess(
                server.uri(), server::kill, server::stop, server::startAgain, server::signal, server, server::close);
    }

    /** @param address where its clients find it */
    static BrokerProcess of(KafkaServer server, String address) {
        return new BrokerProcess(
                address, server::kill, server::stop, server::startAgain, server::signal, null, server::close);
    }

    @Override
    public void close() {
        end.run();
    }
}
