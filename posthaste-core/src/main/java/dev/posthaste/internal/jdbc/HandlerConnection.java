package dev.posthaste.internal.jdbc;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The connection of an inbox's transaction as handlers see it: they may do everything except end the transaction.
 *
 * @param readsStatements whether statements are checked too: where the database does not begin another transaction
 *     after a statement ended one, everything that follows would be committed immediately, and nothing could undo it
 */
record HandlerConnection(Connection connection, boolean readsStatements) implements InvocationHandler {
    private static final Pattern END =
            Pattern.compile("(?is)(\\s|;|--[^\n]*\n|/\\*.*?\\*/)*(commit|end|rollback(?!.*\\bto\\b))\\b.*");

    static Connection of(Connection connection, boolean readsStatements) {
        return proxy(Connection.class, new HandlerConnection(connection, readsStatements));
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(HandlerConnection.class.getClassLoader(), new Class<?>[] {type}, handler));
    }

    @Override
    public @Nullable Object invoke(Object self, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        Object first = arguments == null || arguments.length == 0 ? null : arguments[0];
        switch (method.getName()) {
            case "commit" -> throw refused("commits");
            case "rollback" -> {
                if (first == null) {
                    throw refused("rolls back");
                }
            }
            case "setAutoCommit" -> {
                if (Boolean.TRUE.equals(first)) {
                    throw refused("commits");
                }
                return null;
            }
            case "close" -> {
                return null;
            }
            case "unwrap", "isWrapperFor" -> {
                if (first instanceof Class<?> type && type.isInstance(self)) {
                    return method.getName().equals("unwrap") ? self : true;
                }
            }
            case "equals" -> {
                return self == first;
            }
            case "hashCode" -> {
                return System.identityHashCode(self);
            }
            default -> {}
        }
        if (readsStatements) {
            requireNoEnd(first);
        }
        Object result = call(connection, method, arguments);
        if (readsStatements && method.getName().equals("createStatement") && result instanceof Statement statement) {
            return proxy(Statement.class, (given, called, with) -> {
                requireNoEnd(with == null ? null : with[0]);
                return call(statement, called, with);
            });
        }
        return result;
    }

    private static @Nullable Object call(Object target, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static void requireNoEnd(@Nullable Object sql) throws SQLException {
        if (sql instanceof String text && END.matcher(text).matches()) {
            throw refused("ends its transaction");
        }
    }

    private static SQLException refused(String what) {
        return new SQLException(
                "The inbox " + what + " when the handler has ended: its effects are committed together with the"
                        + " note that the event was handled. A handler that fails throws an exception,"
                        + " and everything is rolled back");
    }
}
