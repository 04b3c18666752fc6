package dev.posthaste.tests;

import dev.posthaste.NoTransactionException;
import dev.posthaste.Transactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** Transactions as in frameworks: bound to the thread, and joined by code that runs inside one. */
final class ThreadTransactions implements Transactions {
    private final DataSource dataSource;
    private final ThreadLocal<Connection> current = new ThreadLocal<>();
    private final ThreadLocal<List<Runnable>> actions = ThreadLocal.withInitial(ArrayList::new);

    ThreadTransactions(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    @Override
    public Connection current() {
        Connection connection = current.get();
        if (connection == null) {
            throw new NoTransactionException("there is no transaction");
        }
        return connection;
    }

    @Override
    public <T> T required(Work<T> work) throws Exception {
        return current.get() == null ? begun(work) : work.run(current());
    }

    private <T> T begun(Work<T> work) throws Exception {
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            current.set(connection);
            try {
                T result = work.run(connection);
                connection.commit();
                actions.get().forEach(Runnable::run);
                return result;
            } catch (Throwable e) {
                rollBack(connection, e);
                throw e;
            } finally {
                current.remove();
                actions.remove();
                connection.setAutoCommit(true);
            }
        }
    }

    private static void rollBack(Connection connection, Throwable failure) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            failure.addSuppressed(e);
        }
    }

    @Override
    public void afterCommit(Runnable action) {
        actions.get().add(action);
    }
}
