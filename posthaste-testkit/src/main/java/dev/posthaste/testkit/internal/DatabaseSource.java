package dev.posthaste.testkit.internal;

import java.util.concurrent.Callable;
import javax.sql.DataSource;

/** Where a contract gets its databases: a new and empty one for each test. One test at a time uses it. */
public interface DatabaseSource {
    /** Creates an empty database. */
    DataSource create() throws Exception;

    /** Drops what {@link #create} made. */
    void drop() throws Exception;

    static DatabaseSource of(Callable<DataSource> create, AutoCloseable drop) {
        return new DatabaseSource() {
            @Override
            public DataSource create() throws Exception {
                return create.call();
            }

            @Override
            public void drop() throws Exception {
                drop.close();
            }
        };
    }
}
