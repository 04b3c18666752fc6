package dev.posthaste.admin;

import dev.posthaste.Catalog;
import dev.posthaste.ProvidedByPosthaste;
import dev.posthaste.internal.jdbc.Stores;
import java.util.Set;
import javax.sql.DataSource;

/** What operators do, by outbox: look, find, repair. Thread-safe. */
@ProvidedByPosthaste
public interface Admin {
    /**
     * The outboxes of a catalog. Every call borrows a connection and gives it back; the data source stays the caller's.
     *
     * @throws dev.posthaste.StoreException if the database cannot be reached: it is asked which kind it is
     */
    static Admin of(DataSource dataSource, Catalog catalog) {
        return Stores.in(dataSource).admin(catalog);
    }

    /** @throws UnknownOutboxException if there is no outbox of this name */
    OutboxAdmin outbox(String name);

    /** The outboxes' names, in the catalog's order. */
    Set<String> outboxes();
}
