package dev.posthaste.reliability.simulation;

import java.lang.reflect.InvocationHandler;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A node's connection to the simulated database. */
final class Session implements InvocationHandler {
    private static final List<String> LOCK_COLUMNS = List.of("server_name", "changes_refused", "transaction_names");

    private static final Pattern SILENCE = Pattern.compile("idle_in_transaction_session_timeout'?(?: =|,) '([0-9]+)s'");

    private final Database database;
    private final Jdbc.Faults faults;
    private final Node node;
    private final Transaction transaction;
    private final @Nullable Deque<Connection> pool;
    private boolean autoCommit = true;
    private boolean broken;
    /** Its server has become a replica. */
    private boolean readOnly;
    /** The nanoseconds of silence after which the server ends its transaction; 0 for never. */
    private long silenceLimit;

    private long progress;
    /** Whether Posthaste has requested that isolation level. */
    private boolean readCommitted;

    /** @param pool where it is returned when closed; null if closing ends it */
    Session(Database database, Jdbc.Faults faults, Node node, @Nullable Deque<Connection> pool) {
        this.database = database;
        this.faults = faults;
        this.node = node;
        this.transaction = new Transaction(node, database.sessions.incrementAndGet(), database.innodb);
        this.pool = pool;
    }

    @Override
    public @Nullable Object invoke(Object self, java.lang.reflect.Method method, @Nullable Object[] arguments)
            throws SQLException {
        node.requireAlive(); // even for cleaning up
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
            case "rollback" -> {
                rollback();
                return null;
            }
            case "close" -> {
                rollback();
                if (pool == null || broken) {
                    node.closed(this);
                } else {
                    autoCommit = true;
                    readCommitted = false;
                    pool.push((Connection) self);
                }
                return null;
            }
            case "abort" -> {
                abort();
                return null;
            }
            case "createArrayOf" -> {
                List<Object> values = Arrays.asList((Object[]) arguments[1]);
                return Jdbc.proxy(Array.class, (array, called, none) -> values);
            }
            case "getMetaData" -> {
                return Jdbc.META_DATA;
            }
            default -> throw Jdbc.unknown("Connection." + method.getName());
        }
    }

    private void rollback() {
        transaction.rollback();
        silenceLimit = 0;
    }

    /** Grows with every request of the client. */
    long progress() {
        return progress;
    }

    /** From now on its server accepts no changes. */
    void becomeReadOnly() {
        readOnly = true;
    }

    /** The nanoseconds of silence after which the server ends it, if it holds locks now; 0 for never. */
    long endsAfter() {
        return broken || !transaction.open() ? 0 : silenceLimit;
    }

    /** The server has noticed that the client is gone. */
    void abort() {
        broken = true;
        transaction.rollback();
    }

    /** Ends a statement that is a transaction of its own, which the server does without the client. */
    void endStatement() {
        if (autoCommit) {
            abort();
        }
    }

    /** Whether {@code sql} was a savepoint command; requires an open connection. */
    private boolean savepoint(String sql) throws SQLException {
        requireOpen();
        return transaction.savepoint(sql);
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
                idleInTransactionTimeout(sql);
            } else if (!transaction.savepoint(sql)) {
                changed += run(sql, parameters).changed();
            }
        }
        return changed;
    }

    private void idleInTransactionTimeout(String sql) {
        Matcher limit = SILENCE.matcher(sql);
        if (limit.find()) {
            silenceLimit = Long.parseLong(limit.group(1)) * 1_000_000_000L;
        }
    }

    private Database.StatementResult run(String sql, @Nullable Object[] parameters) throws SQLException {
        requireOpen();
        node.asks();
        if (!sql.startsWith("select ") || sql.contains(" for ")) {
            requireWritable();
        }
        try {
            faults.beforeStatement(node);
        } catch (SQLException e) {
            broken(e);
        }
        requireOpen();
        transaction.readCommitted = readCommitted || autoCommit;
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

    private void requireWritable() throws SQLException {
        if (readOnly) {
            transaction.failed = true;
            throw new SQLException("this server is a replica now, by " + Nemesis.MARK, "25006");
        }
    }

    private void commit() throws SQLException {
        requireOpen();
        if (!transaction.wrote() && !transaction.holdsGaps() && !transaction.failed) {
            transaction.commit();
            return;
        }
        try {
            if (transaction.holdsGaps()) {
                faults.holdingGaps(node);
            }
            faults.beforeCommit(node);
            requireOpen();
            if (transaction.failed) {
                transaction.rollback();
                throw new SQLException("the transaction had failed before and was rolled back", "25P02");
            }
            database.commit(transaction);
            silenceLimit = 0;
            faults.afterCommit(node);
        } catch (SQLException e) {
            broken(e);
        }
    }

    private void broken(SQLException e) throws SQLException {
        if (String.valueOf(e.getSQLState()).startsWith("08")) {
            abort();
        } else if (database.wholeRollbacks) {
            transaction.rollback(); // the next statement begins another one; the session keeps its limits
        } else {
            transaction.failed = true;
        }
        throw e;
    }

    private Statement settings() {
        return Jdbc.proxy(Statement.class, (self, method, arguments) -> {
            switch (method.getName()) {
                case "execute" -> {
                    String sql = (String) arguments[0];
                    if (sql.startsWith("set local ")) {
                        idleInTransactionTimeout(sql);
                        readCommitted |= sql.endsWith("isolation level read committed");
                    } else if (sql.equals("rollback")) {
                        requireOpen();
                        rollback();
                    } else if (!savepoint(sql) && !sql.equals("select 1")) {
                        throw Jdbc.unknown(sql);
                    }
                    return false;
                }
                case "executeUpdate" -> {
                    return run((String) arguments[0], new Object[0]).changed();
                }
                case "executeQuery" -> {
                    return Jdbc.results(LOCK_COLUMNS, List.<@Nullable Object[]>of(locks((String) arguments[0])));
                }
                case "close" -> {
                    return null;
                }
                default -> throw Jdbc.unknown("Statement." + method.getName());
            }
        });
    }

    /** Answers the relay's queries on PostgreSQL's list of locks without parsing the SQL. */
    private @Nullable Object[] locks(String sql) throws SQLException {
        requireOpen();
        try {
            faults.beforeStatement(node);
        } catch (SQLException e) {
            broken(e);
        }
        requireOpen();
        if (sql.contains("from pg_locks l")) {
            String names =
                    database.outbox().writers.stream().map(Transaction::name).collect(Collectors.joining(" "));
            return new @Nullable Object[] {"simulated", false, names.isEmpty() ? null : names};
        } else if (sql.contains("pg_backend_pid()")) {
            return new Object[] {transaction.name()};
        } else if (sql.equals("select version()")) {
            return new Object[] {"PostgreSQL, simulated"};
        }
        throw Jdbc.unknown(sql);
    }

    private PreparedStatement statement(Connection connection, String sql) {
        List<@Nullable Object> parameters = new ArrayList<>();
        List<@Nullable Object[]> batch = new ArrayList<>();
        int[] changed = {-1};
        return Jdbc.proxy(PreparedStatement.class, (self, method, arguments) -> {
            switch (method.getName()) {
                case "setLong", "setInt", "setString", "setObject", "setBytes", "setArray" -> {
                    Jdbc.set(parameters, (Integer) arguments[0], arguments[1]);
                    return null;
                }
                case "executeQuery" -> {
                    Database.StatementResult answer = run(sql, parameters.toArray());
                    faults.answered(node, answer.rows());
                    return Jdbc.results(answer.labels(), answer.rows());
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
                default -> throw Jdbc.unknown("PreparedStatement." + method.getName());
            }
        });
    }
}
