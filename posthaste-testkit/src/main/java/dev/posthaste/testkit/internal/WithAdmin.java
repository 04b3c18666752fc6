package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Operators of a tracked outbox, and others that work on its rows at the same time. */
abstract class WithAdmin extends WithRelay {
    static final EventFilter DEAD = EventFilter.status(Status.DEAD);
    static final EventFilter PUBLISHED = EventFilter.status(Status.PUBLISHED);

    final ExecutorService threads = Executors.newCachedThreadPool();
    StoreOutboxAdmin admin;

    WithAdmin(DatabaseSource source) {
        super(source);
    }

    @Override
    protected OutboxDefinition definition() {
        return super.definition().tracked(true);
    }

    @BeforeEach
    void openAdmin() {
        admin = new StoreOutboxAdmin(orders, operators);
    }

    @AfterEach
    void stopThreads() {
        threads.shutdownNow();
    }

    /** Events that have ended in {@code status}, written into their rows. */
    final List<Long> rows(int count, Status status) throws Exception {
        List<Event> events = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            events.add(Event.of(TYPE, "k" + i, "" + i));
        }
        write(events.toArray(Event[]::new));
        String published = status == Status.DEAD ? "" : ", published_at = created_at";
        execute("update " + table() + " set status = " + code(status) + published + ", attempts = 3");
        return ids();
    }

    final List<Long> ids() {
        return found().stream().map(FoundEvent::position).toList();
    }

    /** Another transaction, which has the row locked until it is closed. */
    final Connection lock(long row) throws SQLException {
        Connection connection = begin();
        change(connection, row, "attempts = attempts");
        return connection;
    }

    final void change(Connection connection, long row, String assignment) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("update " + table() + " set " + assignment + " where id = " + row))
                    .isEqualTo(1);
        }
    }

    static void end(Connection connection, boolean commit) throws SQLException {
        if (commit) {
            connection.commit();
        } else {
            connection.rollback();
        }
        connection.close();
    }

    final long audited(String action) throws SQLException {
        return Long.parseLong(
                query("select count(*) from posthaste_audit where event_row > 0 and action = '" + action + "'")
                        .get(0));
    }

    /** Runs all of them concurrently. */
    final <T> List<T> together(List<Callable<T>> works) throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        List<Future<T>> running = new ArrayList<>();
        for (Callable<T> work : works) {
            running.add(threads.submit(() -> {
                start.await();
                return work.call();
            }));
        }
        start.countDown();
        List<T> results = new ArrayList<>();
        for (Future<T> each : running) {
            results.add(each.get());
        }
        return results;
    }

    /** Does what an operator does when asked to try again. */
    static <T> T persist(Callable<T> work) throws Exception {
        for (int i = 0; ; i++) {
            try {
                return work.call();
            } catch (StoreException e) {
                if (i == 10) {
                    throw e;
                }
            }
        }
    }
}
