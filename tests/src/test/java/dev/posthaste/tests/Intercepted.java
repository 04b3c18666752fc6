package dev.posthaste.tests;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import javax.sql.DataSource;

/** Proxies whose calls pass through a test, which may delay them or make them fail. */
final class Intercepted {
    private Intercepted() {}

    /** Decides what a call does and what it returns. */
    @FunctionalInterface
    interface Around {
        Object call(String method, Call call) throws Throwable;
    }

    /** The call to the real object. */
    @FunctionalInterface
    interface Call {
        Object proceed() throws Throwable;
    }

    /** {@code target} with its methods called through {@code around}, except those of {@link Object}. */
    static <T> T of(Class<T> type, T target, Around around) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    Call call = () -> invoke(target, method, arguments);
                    return method.getDeclaringClass() == Object.class
                            ? call.proceed()
                            : around.call(method.getName(), call);
                }));
    }

    private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** A database whose commits take at least {@code delay}, as on a busy disk. */
    static DataSource slowCommits(DataSource dataSource, Duration delay) {
        return of(DataSource.class, dataSource, (getConnection, call) -> {
            Object result = call.proceed();
            return result instanceof Connection connection
                    ? of(Connection.class, connection, (method, each) -> {
                        if (method.equals("commit")) {
                            Thread.sleep(delay.toMillis());
                        }
                        return each.proceed();
                    })
                    : result;
        });
    }

    /** A connection that runs {@code sql} before its next use once {@code condition} is true. */
    static Connection running(Connection connection, String sql, java.util.function.BooleanSupplier condition) {
        boolean[] done = new boolean[1]; // not synchronised, because a connection has one user at a time
        return of(Connection.class, connection, (method, call) -> {
            if (!done[0] && condition.getAsBoolean() && method.matches("prepareStatement|createStatement")) {
                done[0] = true;
                try (Statement statement = connection.createStatement()) {
                    statement.execute(sql);
                }
            }
            return call.proceed();
        });
    }
}
