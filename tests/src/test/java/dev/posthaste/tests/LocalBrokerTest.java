package dev.posthaste.tests;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.BrokerContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

class LocalBrokerTest extends BrokerContract {
    private final TestDatabase database = DatabaseServer.of(Database.H2).createDatabase();
    private final List<Receiver> receivers = new ArrayList<>();

    @Override
    protected DataSource newDatabase() {
        return database.dataSource();
    }

    @Override
    protected Broker open() {
        return LocalBroker.to();
    }

    @Override
    protected void subscribe(Receiver consumer) {
        receivers.add(consumer);
        broker.close();
        broker = LocalBroker.to(receivers.toArray(Receiver[]::new));
    }

    @Override
    protected Message message(Map<String, String> headers, String key, byte[] body) {
        return Message.of("local", body).key(key).headers(headers);
    }

    @Override
    protected Message unroutable() {
        return Message.of("local", new byte[0]).headers(Map.of(MessageHeaders.EVENT_TYPE, "nobody.wants"));
    }

    @Override
    protected List<String> deadLetters(List<Outcome> outcomes) {
        return outcomes.stream()
                .filter(Outcome.Rejected.class::isInstance)
                .map(outcome -> ((Outcome.Rejected) outcome).reason())
                .toList();
    }

    @Override
    protected void close() {
        broker.close();
        database.close();
    }
}
