package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.Producer;
import org.junit.jupiter.api.Test;

class ActiveClientsTest {
    private final BlockingQueue<KafkaClients.Made> made = new LinkedBlockingQueue<>();
    private final AtomicInteger attempts = new AtomicInteger();
    private boolean closed;

    private final ActiveClients clients = new ActiveClients(
            KafkaSettings.of("host:9092"),
            new KafkaClients(new KafkaClients.Source() {
                @Override
                public Producer<byte[], byte[]> producer() {
                    return new MockProducer<>();
                }

                @Override
                public TopicLookup lookup() {
                    attempts.incrementAndGet();
                    throw new IllegalStateException("no name can be resolved");
                }
            }),
            () -> closed,
            made::add);

    private KafkaClients.Made made() throws InterruptedException {
        return Objects.requireNonNull(
                made.poll(30, TimeUnit.SECONDS), "no client was created, and there was no failure");
    }

    @Test
    void clientsAreMadeOneAttemptAtATimeAndAfterAFailureAgain() throws Exception {
        clients.connect();
        clients.connect();
        KafkaClients.Made first = made();
        assertThat(attempts).hasValue(1);
        assertThat(first.failure()).hasMessage("no name can be resolved");
        clients.use(first);
        assertThat(clients.areComplete()).isFalse();
        clients.connect();
        made();
        assertThat(attempts).hasValue(2);
    }

    @Test
    void afterTheCloseNoneAreMade() {
        closed = true;
        clients.connect();
        assertThat(attempts).hasValue(0);
    }

    @Test
    void aMessageThatCameBeforeTheFirstAcknowledgementWaitedForTheStart() {
        assertThat(clients.wereStarting(5)).isTrue();
        clients.acknowledged(10);
        clients.acknowledged(20);
        assertThat(clients.wereStarting(9)).isTrue();
        assertThat(clients.wereStarting(10)).isFalse();
    }

    @Test
    void aProducerThatIsGivenUpIsUselessUntilTheNextOne() {
        assertThat(clients.dropProducer("there is none")).isFalse();
        assertThat(clients.producerIsUseless()).isFalse();
        clients.use(new KafkaClients.Made(new MockProducer<>(), null, null));
        assertThat(clients.dropProducer("as if")).isTrue();
        assertThat(clients.producerIsUseless()).isTrue();
        assertThat(clients.producer()).isNull();
        clients.use(new KafkaClients.Made(new MockProducer<>(), null, null));
        assertThat(clients.producerIsUseless()).isFalse();
    }
}
