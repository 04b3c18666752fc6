package dev.posthaste.testkit.internal;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/**
 * A data source whose user dies at one step: before the n-th statement or commit, or right after a commit whose result
 * is lost. What was not committed is rolled back, as a server does when a client is gone.
 */
final class DyingDataSource {
    private final DataSource dataSource;
    private int stepsLeft;
    private boolean died;

    DyingDataSource(DataSource dataSource, int step) {
        this.stepsLeft = step;
        this.dataSource = (DataSource) wrap(DataSource.class, dataSource, null);
    }

    DataSource dataSource() {
        return dataSource;
    }

    boolean died() {
        return died;
    }

    private Object wrap(Class<?> type, Object target, @org.jspecify.annotations.Nullable Connection connection) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
            Connection open = target instanceof Connection itself ? itself : connection;
            boolean commit = method.getName().equals("commit");
            if (open != null && (commit || method.getName().startsWith("execute"))) {
                dieIfItIsTime(open);
            }
            Object result = invoke(method, target, arguments);
            if (open != null && commit) {
                dieIfItIsTime(open);
            }
            return result instanceof Connection || result instanceof Statement
                    ? wrap(method.getReturnType(), result, open)
                    : result;
        });
    }

    private void dieIfItIsTime(Connection connection) throws SQLException {
        if (--stepsLeft == 0) {
            died = true;
            connection.rollback();
            throw new SQLException("died here, as the test requires");
        }
    }

    private static Object invoke(Method method, Object target, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
