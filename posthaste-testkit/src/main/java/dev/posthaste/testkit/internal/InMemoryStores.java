package dev.posthaste.testkit.internal;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.store.Writers;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Stores in memory, each with its own lease, and with transactions that commit in any order. */
public final class InMemoryStores implements StoreSource {
    @Override
    public OpenStore open(OutboxDefinition outbox) {
        return new InMemory(outbox);
    }

    @Override
    public void close() {}

    private static final class InMemory implements OpenStore {
        private final String outbox;
        private final InMemoryStore store;
        private final InMemoryOperators operators;
        // Guarded by the store, like the next.
        private final Set<Transaction> open = new LinkedHashSet<>();
        private long lastId;
        private long lastTransaction;
        private @Nullable Claim claim;

        InMemory(OutboxDefinition definition) {
            this.outbox = definition.name();
            this.store = new InMemoryStore(definition.tracked(), System::nanoTime)
                    .claims(each -> each.equals(claim))
                    .writers(() -> new Writers(
                            "memory", open.stream().map(each -> each.name).collect(Collectors.toSet())));
            this.operators = new InMemoryOperators(outbox, store, () -> claim);
        }

        @Override
        public OutboxStore store() {
            return store;
        }

        @Override
        public ReceiptStore receipts() {
            return store;
        }

        @Override
        public OperatorStore operators() {
            return operators;
        }

        @Override
        public Claim take(String owner) {
            synchronized (store) {
                claim = new Claim(outbox, owner, claim == null ? 1 : claim.epoch() + 1);
                return claim;
            }
        }

        @Override
        public boolean hasOneWriter() {
            return false;
        }

        @Override
        public Writing begin() {
            return new Transaction();
        }

        /** Is listed from its first event on; its ids are drawn when it writes. */
        private final class Transaction implements Writing {
            private final List<InMemoryEvent> written = new ArrayList<>();
            private String name = "";

            @Override
            public void write(Event... events) throws SQLException {
                synchronized (store) {
                    if (name.isEmpty()) {
                        name = "transaction-" + ++lastTransaction;
                        open.add(this);
                    }
                    List<InMemoryEvent> all = new ArrayList<>();
                    for (Event event : events) {
                        requireNew(event);
                        all.add(kept(event));
                    }
                    written.addAll(all);
                }
            }

            private void requireNew(Event event) throws SQLException {
                if (store.all().anyMatch(each -> each.stored.eventId().equals(event.id()))) {
                    throw new DuplicateEventException(
                            "Event " + event.id() + " exists already", new SQLException("duplicate", "23505"));
                }
            }

            private InMemoryEvent kept(Event event) {
                String headers = event.headers().isEmpty() ? null : Json.write(event.headers());
                byte[] payload = event.payload() instanceof byte[] bytes
                        ? bytes
                        : String.valueOf(event.payload()).getBytes(StandardCharsets.UTF_8);
                StoredRow stored = new StoredRow(
                        ++lastId,
                        event.id(),
                        event.type(),
                        event.version(),
                        event.key(),
                        event.destination(),
                        event.routingKey(),
                        headers,
                        payload);
                long now = System.nanoTime();
                return new InMemoryEvent(
                        stored, event.attempts(), now, now + event.delay().toNanos());
            }

            @Override
            public void commit() {
                synchronized (store) {
                    written.forEach(store::commit);
                    close();
                }
            }

            @Override
            public void close() {
                synchronized (store) {
                    written.clear();
                    open.remove(this);
                }
            }
        }
    }
}
