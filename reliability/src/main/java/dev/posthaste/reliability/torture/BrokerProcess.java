package dev.posthaste.reliability.torture;

import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.SmallDisk;
import org.jspecify.annotations.Nullable;

/** A broker that can be killed, stopped, frozen and started again, whichever it is. */
record BrokerProcess(
        String address,
        int port,
        Runnable kill,
        Runnable stop,
        Runnable startAgain,
        java.util.function.Consumer<String> signal,
        @Nullable RabbitServer rabbit,
        @Nullable SmallDisk disk,
        Runnable end)
        implements AutoCloseable {

    /** @param disk where it keeps its data, if that is one of its own */
    static BrokerProcess of(RabbitServer server, @Nullable SmallDisk disk) {
        return new BrokerProcess(
                server.uri(),
                server.port(),
                server::kill,
                server::stop,
                server::startAgain,
                server::signal,
                server,
                disk,
                server::close);
    }

    /**
     * @param address where its clients find it
     * @param disk where it keeps its data, if that is one of its own
     */
    static BrokerProcess of(KafkaServer server, String address, @Nullable SmallDisk disk) {
        return new BrokerProcess(
                address,
                server.port(),
                server::kill,
                server::stop,
                server::startAgain,
                server::signal,
                null,
                disk,
                server::close);
    }

    @Override
    public void close() {
        end.run();
        if (disk != null) {
            disk.close();
        }
    }
}
