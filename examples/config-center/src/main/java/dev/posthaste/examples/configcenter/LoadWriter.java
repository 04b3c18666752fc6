package dev.posthaste.examples.configcenter;

import dev.posthaste.examples.configcenter.ConfigException.Reason;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.ThreadLocalRandom;

/** Makes one change after another, and now and then one that is rolled back on purpose. Thread-safe. */
final class LoadWriter {
    private static final double ROLLED_BACK = 0.1;
    private static final int MAX_FAILURES = 20;

    private final Database database;
    private final ConfigCenter configs;

    LoadWriter(Application application) {
        this.database = application.database();
        this.configs = application.configs();
    }

    /** Thrown inside a transaction to roll it back. */
    private static final class RolledBackException extends RuntimeException {}

    /** Makes one lasting change to a released configuration, and perhaps one before it that is rolled back. */
    void change(long id) throws SQLException {
        if (ThreadLocalRandom.current().nextDouble() < ROLLED_BACK) {
            attempt(id, true);
        }
        attempt(id, false);
    }

    private void attempt(long id, boolean rollBack) throws SQLException {
        for (int failures = 0; ; ) {
            try {
                long version = database.count("select version from config where id = ?", id);
                Config.Change change =
                        new Config.Change(id, version, "load", Reconciliation.value(version + 1, rollBack));
                if (rollBack) {
                    database.inTransaction(connection -> takeBack(connection, change));
                } else {
                    configs.update(change);
                }
                return;
            } catch (RolledBackException e) {
                return;
            } catch (ConfigException e) {
                if (e.reason() != Reason.CONFLICT) {
                    throw e;
                } // another writer was faster: read it again
            } catch (SQLException e) {
                if (++failures == MAX_FAILURES) {
                    throw e;
                }
            }
        }
    }

    private Void takeBack(Connection connection, Config.Change change) throws SQLException {
        configs.update(connection, change);
        throw new RolledBackException();
    }
}
