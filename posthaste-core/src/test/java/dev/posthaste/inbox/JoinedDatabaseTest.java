package dev.posthaste.inbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.NoTransactionException;
import dev.posthaste.Schema;
import dev.posthaste.Transactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;

class JoinedDatabaseTest {
    private final JdbcDataSource database = new JdbcDataSource();

    private final Transactions transactions = new Transactions() {
        @Override
        public Connection current() {
            throw new NoTransactionException("there is no transaction");
        }

        @Override
        public <T> T required(Work<T> work) throws Exception {
            try (Connection connection = database.getConnection()) {
                connection.setAutoCommit(false);
                try {
                    T result = work.run(connection);
                    connection.commit();
                    return result;
                } catch (Throwable e) {
                    connection.rollback();
                    throw e;
                }
            }
        }

        @Override
        public void afterCommit(Runnable action) {
            throw new UnsupportedOperationException();
        }
    };

    /** Work whose receipt cannot be written. */
    private record Untold(Exception failure) implements EventWork {
        @Override
        public List<String> noteIds() {
            return List.of("1");
        }

        @Override
        public void handle(Connection connection) {}

        @Override
        public boolean reportsDuplicates() {
            return true;
        }

        @Override
        public void report(Connection connection, boolean first) throws SQLException {
            throw new SQLException(failure.getMessage(), failure);
        }

        @Override
        public HandlerOptions<?> options() {
            return HandlerOptions.none();
        }
    }

    /** By then the note is verified and its savepoint is gone: that says nothing about the handler's work. */
    @Test
    void whatFailsAfterTheHandlerIsToldAsItIs() throws Exception {
        database.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
        Schema.create(database, Catalog.empty());
        JoinedDatabase joined = new JoinedDatabase(transactions, "test");
        AttemptResult result = joined.run(new Untold(new IllegalStateException("the outbox has no such row")));
        assertThat(result)
                .isInstanceOfSatisfying(
                        AttemptResult.Failed.class,
                        failed -> assertThat(failed.cause()).hasMessage("the outbox has no such row"));
        assertThat(joined.isNoted(List.of("1"))).isFalse();
    }
}
