package dev.posthaste.reliability.simulation;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * JDBC over the simulated database, for one node. Every statement and every commit is a point at which the
 * {@link Faults} may break the connection, let others go first, or end the node.
 */
final class Jdbc {
    /** What may happen where a node waits for the database. Throws to break the connection. */
    interface Faults {
        void beforeStatement(Node node) throws SQLException;

        void beforeCommit(Node node) throws SQLException;

        /** It is committed; whoever is told otherwise does not know. */
        void afterCommit(Node node) throws SQLException;
    }

    private final AtomicLong sessions;
    private final Database database;
    private final Faults faults;
    private final Node node;

    private Jdbc(Database database, Faults faults, Node node) {
        this.database = database;
        this.sessions = database.sessions;
        this.faults = faults;
        this.node = node;
    }

    static DataSource dataSource(Database database, Faults faults, Node node) {
        Jdbc jdbc = new Jdbc(database, faults, node);
        return proxy(DataSource.class, (self, method, arguments) -> switch (method.getName()) {
            case "getConnection" -> jdbc.connect();
            case "isWrapperFor" -> false;
            default -> throw unknown(method.getName());
        });
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    private static UnsupportedOperationException unknown(String method) {
        return new UnsupportedOperationException("The simulated database has no " + method);
    }

    private Connection connect() {
        Session session = new Session();
        node.opened(session);
        return proxy(Connection.class, session);
    }

    /** A connection. */
    final class Session implements InvocationHandler {
        private final Transaction transaction = new Transaction(node, sessions.incrementAndGet());
        private boolean autoCommit = true;
        private boolean broken;
        private boolean limited;
        private long progress;

        @Override
        public @Nullable Object invoke(Object self, java.lang.reflect.Method method, @Nullable Object[] arguments)
                throws SQLException {
            switch (method.getName()) {
                case "prepareStatement" -> {
                    return statement((Connection) self, (String) arguments[0]);
                }
                case "createStatement" -> {
                    return settings();
                }
                case "getAutoCommit" -> {
                    return autoCommit;
                }
                case "setAutoCommit" -> {
                    if ((Boolean) arguments[0] && !autoCommit && transaction.wrote()) {
                        commit();
                    }
                    autoCommit = (Boolean) arguments[0];
                    return null;
                }
                case "getTransactionIsolation" -> {
                    return Connection.TRANSACTION_READ_COMMITTED;
                }
                case "commit" -> {
                    commit();
                    return null;
                }
                case "rollback", "close" -> {
                    transaction.rollback();
                    limited = false;
                    if (method.getName().equals("close")) {
                        node.closed(this);
                    }
                    return null;
                }
                case "abort" -> {
                    abort();
                    return null;
                }
                case "createArrayOf" -> {
                    List<Object> values = Arrays.asList((Object[]) arguments[1]);
                    return proxy(Array.class, (array, called, none) -> values);
                }
                case "getMetaData" -> {
                    return META_DATA;
                }
                default -> throw unknown("Connection." + method.getName());
            }
        }

        /** Grows with everything that the client asks for. */
        long progress() {
            return progress;
        }

        /** Whether it holds locks, and asked the server to end it when it is silent for long. */
        boolean endsWhenSilent() {
            return limited && !broken && transaction.open();
        }

        /** The server has noticed that the client is gone. */
        void abort() {
            broken = true;
            transaction.rollback();
        }

        private void requireOpen() throws SQLException {
            progress++;
            if (broken) {
                throw new SQLException("the connection is broken", "08003");
            }
        }

        /** Several statements in one round trip: settings, a savepoint, and one that changes rows. */
        private int runAll(String script, @Nullable Object[] parameters) throws SQLException {
            int changed = 0;
            for (String sql : script.split(";\\s*")) {
                if (sql.startsWith("select set_config(")) {
                    limited |= sql.contains("idle_in_transaction_session_timeout");
                } else if (sql.startsWith("savepoint ")) {
                    transaction.savepoint = true;
                } else {
                    changed += run(sql, parameters).changed();
                }
            }
            return changed;
        }

        private Database.Answer run(String sql, @Nullable Object[] parameters) throws SQLException {
            requireOpen();
            try {
                faults.beforeStatement(node);
            } catch (SQLException e) {
                broken(e);
            }
            requireOpen();
            try {
                return database.run(transaction, sql, parameters);
            } finally {
                if (autoCommit) {
                    if (transaction.failed) {
                        transaction.rollback();
                    } else {
                        commit();
                    }
                }
            }
        }

        private void commit() throws SQLException {
            requireOpen();
            if (!transaction.wrote() && !transaction.failed) {
                transaction.commit();
                return;
            }
            try {
                faults.beforeCommit(node);
                requireOpen();
                if (transaction.failed) {
                    transaction.rollback();
                    throw new SQLException("the transaction failed before: rolled back", "25P02");
                }
                database.commit(transaction);
                limited = false;
                faults.afterCommit(node);
            } catch (SQLException e) {
                broken(e);
            }
        }

        private void broken(SQLException e) throws SQLException {
            if (String.valueOf(e.getSQLState()).startsWith("08")) {
                abort();
            } else {
                transaction.failed = true;
            }
            throw e;
        }

        private Statement settings() {
            return proxy(Statement.class, (self, method, arguments) -> {
                switch (method.getName()) {
                    case "execute" -> {
                        String sql = (String) arguments[0];
                        if (sql.startsWith("set local idle_in_transaction_session_timeout")) {
                            limited = true;
                        } else if (sql.equals("select 1")) {
                            requireOpen();
                        } else {
                            throw unknown(sql);
                        }
                        return false;
                    }
                    case "executeUpdate" -> {
                        return run((String) arguments[0], new Object[0]).changed();
                    }
                    case "executeQuery" -> {
                        return results(List.<@Nullable Object[]>of(locks((String) arguments[0])));
                    }
                    case "close" -> {
                        return null;
                    }
                    default -> throw unknown("Statement." + method.getName());
                }
            });
        }

        /** What the relay asks of PostgreSQL's list of locks, answered without reading the SQL. */
        private @Nullable Object[] locks(String sql) throws SQLException {
            requireOpen();
            try {
                faults.beforeStatement(node);
            } catch (SQLException e) {
                broken(e);
            }
            requireOpen();
            if (sql.contains("from pg_locks l")) {
                String names = database.table(Database.OUTBOX).writers.stream()
                        .map(Transaction::name)
                        .collect(Collectors.joining(" "));
                return new @Nullable Object[] {"simulated", false, names.isEmpty() ? null : names};
            } else if (sql.contains("pg_backend_pid()")) {
                return new Object[] {transaction.name()};
            } else if (sql.equals("select version()")) {
                return new Object[] {"PostgreSQL, simulated"};
            }
            throw unknown(sql);
        }

        private PreparedStatement statement(Connection connection, String sql) {
            List<@Nullable Object> parameters = new ArrayList<>();
            List<@Nullable Object[]> batch = new ArrayList<>();
            int[] changed = {-1};
            return proxy(PreparedStatement.class, (self, method, arguments) -> {
                switch (method.getName()) {
                    case "setLong", "setInt", "setString", "setObject", "setBytes", "setArray" -> {
                        set(parameters, (Integer) arguments[0], arguments[1]);
                        return null;
                    }
                    case "executeQuery" -> {
                        return results(run(sql, parameters.toArray()).rows());
                    }
                    case "executeUpdate" -> {
                        return run(sql, parameters.toArray()).changed();
                    }
                    case "execute" -> {
                        changed[0] = runAll(sql, parameters.toArray());
                        return false;
                    }
                    case "getUpdateCount" -> {
                        return changed[0];
                    }
                    case "getMoreResults" -> {
                        changed[0] = -1;
                        return false;
                    }
                    case "addBatch" -> {
                        batch.add(parameters.toArray());
                        return null;
                    }
                    case "executeBatch" -> {
                        int[] counts = new int[batch.size()];
                        for (int i = 0; i < counts.length; i++) {
                            counts[i] = run(sql, batch.get(i)).changed();
                        }
                        batch.clear();
                        return counts;
                    }
                    case "getConnection" -> {
                        return connection;
                    }
                    case "setFetchSize", "close" -> {
                        return null;
                    }
                    default -> throw unknown("PreparedStatement." + method.getName());
                }
            });
        }
    }

    private static void set(List<@Nullable Object> parameters, int index, @Nullable Object value) throws SQLException {
        while (parameters.size() < index) {
            parameters.add(null);
        }
        Object stored = value instanceof Integer number
                ? Long.valueOf(number)
                : value instanceof Array array ? array.getArray() : value;
        parameters.set(index - 1, stored);
    }

    private static ResultSet results(List<@Nullable Object[]> rows) {
        int[] at = {-1};
        return proxy(ResultSet.class, (self, method, arguments) -> {
            switch (method.getName()) {
                case "next" -> {
                    return ++at[0] < rows.size();
                }
                case "close" -> {
                    return null;
                }
                default -> {
                    Object value = rows.get(at[0])[(Integer) arguments[0] - 1];
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

    private static final DatabaseMetaData META_DATA =
            proxy(DatabaseMetaData.class, (self, method, arguments) -> switch (method.getName()) {
                case "getDatabaseProductName" -> "PostgreSQL";
                case "getDatabaseProductVersion" -> "simulated";
                default -> throw unknown("DatabaseMetaData." + method.getName());
            });
}
