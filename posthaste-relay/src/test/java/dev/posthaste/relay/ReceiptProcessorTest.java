package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.StoreException;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.relay.internal.ReceiptProcessors;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class ReceiptProcessorTest {
    private static final Catalog CATALOG = Catalog.empty().outbox("shop", o -> o.tracked(true));
    private static final Receipt RECEIPT = new Receipt.Consumed("shop", 1, "id");

    private static final class ReceiptDelivery implements Delivery {
        volatile boolean begun;
        volatile boolean done;

        @Override
        public Message message() {
            return Message.of("receipts", ReceiptMessages.write(RECEIPT));
        }

        @Override
        public boolean wanted() {
            begun = true;
            return true;
        }

        @Override
        public void attemptEnded() {
            begun = false;
        }

        @Override
        public void done() {
            done = true;
        }

        @Override
        public void deadLetter(Failure failure) {}

        @Override
        public void abandoned() {}
    }

    private static ReceiptStore store(Supplier<ReceiptStore.Received> receive) {
        return (ReceiptStore) Proxy.newProxyInstance(
                ReceiptStore.class.getClassLoader(), new Class<?>[] {ReceiptStore.class}, (self, method, arguments) -> {
                    return method.getName().equals("receive") ? receive.get() : null;
                });
    }

    private static ReceiptStore.Received received(Set<Receipt> locked) {
        return new ReceiptStore.Received(1, locked, Map.of());
    }

    /** A closing subscription waits for deliveries that have begun, but these are not being processed. */
    @Test
    void whatIsTriedAgainLaterHasNotBegun() throws Exception {
        AtomicReference<Supplier<ReceiptStore.Received>> answer = new AtomicReference<>(() -> {
            throw new StoreException("planned", new IllegalStateException("planned"));
        });
        ReceiptStore store = store(() -> Objects.requireNonNull(answer.get()).get());
        try (ReceiptProcessor processor = new ReceiptProcessor(CATALOG, each -> store, null)) {
            ReceiptDelivery delivery = new ReceiptDelivery();
            processor.accept(delivery);
            assertThat(ReceiptProcessors.runOnce(processor)).isPositive();
            assertThat(delivery.begun).as("after a failed write").isFalse();
            answer.set(() -> received(Set.of(RECEIPT)));
            assertThat(ReceiptProcessors.runOnce(processor)).isPositive();
            assertThat(delivery.begun).as("while its row is locked").isFalse();
            answer.set(() -> received(Set.of()));
            assertThat(ReceiptProcessors.runOnce(processor)).isZero();
            assertThat(delivery.done).isTrue();
        }
    }

    @Test
    void aThreadThatCouldNotBeStartedIsStartedForALaterDelivery() {
        AtomicInteger starts = new AtomicInteger();
        ReceiptStore store = store(() -> received(Set.of()));
        try (ReceiptProcessor processor = new ReceiptProcessor(CATALOG, each -> store, work -> new Thread(work) {
            @Override
            public void start() {
                if (starts.incrementAndGet() == 1) {
                    throw new OutOfMemoryError("unable to create native thread (planned)");
                }
                super.start();
            }
        })) {
            ReceiptDelivery refused = new ReceiptDelivery();
            assertThatThrownBy(() -> processor.accept(refused)).isInstanceOf(OutOfMemoryError.class);
            ReceiptDelivery delivery = new ReceiptDelivery();
            processor.accept(delivery);
            await().atMost(Duration.ofSeconds(30)).until(() -> delivery.done);
        }
    }
}
