package dev.posthaste.reliability.simulation;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * JDBC over the simulated database, for one node. Every statement and every commit is a point at which the {@link
 * Faults} may break the connection, run other nodes first, or kill the node.
 */
final class Jdbc {
    /** What may happen where a node waits for the database. Throws to break the connection. */
    interface Faults {
        void beforeStatement(Node node) throws SQLException;

        void beforeCommit(Node node) throws SQLException;

        /** The node is about to commit while it holds gap locks, which block other inserts. */
        void holdingGaps(Node node);

        /** The transaction is committed; if this throws, the client does not know it. */
        void afterCommit(Node node) throws SQLException;

        /** The rows that the driver received. */
        void answered(Node node, List<@Nullable Object[]> rows);
    }

    private final Database database;
    private final Faults faults;
    private final Node node;

    private Jdbc(Database database, Faults faults, Node node) {
        this.database = database;
        this.faults = faults;
        this.node = node;
    }

    /** @param pooled whether closed connections are reused */
    static DataSource dataSource(Database database, Faults faults, Node node, boolean pooled) {
        Jdbc jdbc = new Jdbc(database, faults, node);
        Deque<Connection> idle = new ArrayDeque<>();
        return proxy(DataSource.class, (self, method, arguments) -> switch (method.getName()) {
            case "getConnection" -> {
                Connection free = idle.poll();
                yield free == null ? jdbc.connect(pooled ? idle : null) : free;
            }
            case "isWrapperFor" -> false;
            default -> throw unknown(method.getName());
        });
    }

    static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    static UnsupportedOperationException unknown(String method) {
        return new UnsupportedOperationException("The simulated database has no " + method);
    }

    private Connection connect(@Nullable Deque<Connection> pool) {
        Session session = new Session(database, faults, node, pool);
        node.opened(session);
        return proxy(Connection.class, session);
    }

    static void set(List<@Nullable Object> parameters, int index, @Nullable Object value) throws SQLException {
        while (parameters.size() < index) {
            parameters.add(null);
        }
        Object stored = value instanceof Integer number
                ? Long.valueOf(number)
                : value instanceof Array array ? array.getArray() : value;
        parameters.set(index - 1, stored);
    }

    static ResultSet results(List<String> labels, List<@Nullable Object[]> rows) {
        int[] at = {-1};
        boolean[] wasNull = {false};
        return proxy(ResultSet.class, (self, method, arguments) -> {
            switch (method.getName()) {
                case "next" -> {
                    return ++at[0] < rows.size();
                }
                case "close" -> {
                    return null;
                }
                case "findColumn" -> {
                    return column(labels, arguments[0]);
                }
                default -> {
                    if (method.getName().equals("wasNull")) {
                        return wasNull[0];
                    }
                    Object value = rows.get(at[0])[column(labels, arguments[0]) - 1];
                    wasNull[0] = value == null;
                    return switch (method.getName()) {
                        case "getLong" -> value == null ? 0L : value;
                        case "getBoolean" -> value;
                        case "getInt" -> value == null ? 0 : ((Long) value).intValue();
                        case "getString" -> value == null ? null : value.toString();
                        case "getBytes" ->
                            value == null ? null : value.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
                        default -> throw unknown("ResultSet." + method.getName());
                    };
                }
            }
        });
    }

    /** A column's number, given its name or the number itself. */
    private static int column(List<String> labels, Object column) throws SQLException {
        if (column instanceof Integer number) {
            return number;
        }
        int index = labels.indexOf(column);
        if (index < 0) {
            throw new SQLException("there is no column " + column + " in " + labels, "42703");
        }
        return index + 1;
    }

    static final DatabaseMetaData META_DATA =
            proxy(DatabaseMetaData.class, (self, method, arguments) -> switch (method.getName()) {
                case "getDatabaseProductName" -> "PostgreSQL";
                case "getDatabaseProductVersion" -> "simulated";
                default -> throw unknown("DatabaseMetaData." + method.getName());
            });
}
