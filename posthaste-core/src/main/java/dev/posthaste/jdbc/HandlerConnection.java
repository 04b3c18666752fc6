package dev.posthaste.jdbc;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** The connection of an inbox's transaction as handlers see it: everything but the end of the transaction is theirs. */
record HandlerConnection(Connection connection) implements InvocationHandler {
    static Connection of(Connection connection) {
        return (Connection) Proxy.newProxyInstance(
                HandlerConnection.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                new HandlerConnection(connection));
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
        try {
            return method.invoke(connection, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static SQLException refused(String what) {
        return new SQLException(
                "The inbox " + what + " when the handler has ended: its effects count together with the"
                        + " note that the event was handled. A handler that fails throws an exception, and everything is rolled back");
    }
}
