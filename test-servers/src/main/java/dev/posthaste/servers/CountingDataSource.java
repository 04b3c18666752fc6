package dev.posthaste.servers;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;

/** Counts what is sent to the database: executions, commits and rollbacks. Thread-safe. */
public final class CountingDataSource {
    private static final Set<String> COUNTED = Set.of("commit", "rollback");

    private final AtomicLong statements = new AtomicLong();
    private final DataSource dataSource;

    public CountingDataSource(DataSource dataSource) {
        this.dataSource = (DataSource) counting(DataSource.class, dataSource);
    }

    public DataSource dataSource() {
        return dataSource;
    }

    public long statements() {
        return statements.get();
    }

    private Object counting(Class<?> type, Object target) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
            if (method.getName().startsWith("execute") || COUNTED.contains(method.getName())) {
                statements.incrementAndGet();
            }
            Object result;
            try {
                result = method.invoke(target, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            if (result instanceof Connection || result instanceof Statement) {
                return counting(method.getReturnType(), result);
            }
            return result;
        });
    }
}
