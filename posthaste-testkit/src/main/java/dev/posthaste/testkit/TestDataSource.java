package dev.posthaste.testkit;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Another data source, whose connections are remembered by the thread that opened them. Thread-safe. */
final class TestDataSource implements DataSource {
    private final Map<Long, Opened> open = new ConcurrentHashMap<>();
    private final AtomicLong number = new AtomicLong();
    private volatile @Nullable DataSource target;

    private record Opened(Thread by, Connection connection) {}

    /** @param target null while there is none */
    TestDataSource(@Nullable DataSource target) {
        this.target = target;
    }

    void target(@Nullable DataSource target) {
        this.target = target;
        open.clear();
    }

    /** The data source behind it. */
    DataSource target() {
        DataSource known = target;
        if (known == null) {
            throw new IllegalStateException("There is a database only while a test runs");
        }
        return known;
    }

    /**
     * Of the connections that are in a transaction, the one that the calling thread opened last; null if there is none.
     */
    @Nullable
    Connection inTransaction() throws SQLException {
        long last = -1;
        for (Map.Entry<Long, Opened> each : open.entrySet()) {
            Connection connection = each.getValue().connection();
            if (each.getValue().by() == Thread.currentThread()
                    && each.getKey() > last
                    && !connection.isClosed()
                    && !connection.getAutoCommit()) {
                last = each.getKey();
            }
        }
        Opened found = open.get(last);
        return found == null ? null : found.connection();
    }

    private Connection remembered(Connection connection) {
        long id = number.incrementAndGet();
        open.put(id, new Opened(Thread.currentThread(), connection));
        return (Connection) Proxy.newProxyInstance(
                TestDataSource.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("close")) {
                        open.remove(id);
                    }
                    return call(connection, method, arguments);
                });
    }

    private static @Nullable Object call(Connection connection, Method method, Object @Nullable [] arguments)
            throws Throwable {
        try {
            return method.invoke(connection, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    @Override
    public Connection getConnection() throws SQLException {
        return remembered(target().getConnection());
    }

    @Override
    public Connection getConnection(String username, String password) throws SQLException {
        return remembered(target().getConnection(username, password));
    }

    @Override
    public PrintWriter getLogWriter() throws SQLException {
        return target().getLogWriter();
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
        target().setLogWriter(out);
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        target().setLoginTimeout(seconds);
    }

    @Override
    public int getLoginTimeout() throws SQLException {
        return target().getLoginTimeout();
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        return target().getParentLogger();
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        return type.isInstance(this) ? type.cast(this) : target().unwrap(type);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) throws SQLException {
        return type.isInstance(this) || target().isWrapperFor(type);
    }
}
