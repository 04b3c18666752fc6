package dev.posthaste.testkit.internal;

import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.PendingEvent;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;

/** What the contracts of the store that keeps statuses in rows share: they look at the rows themselves. */
public abstract class RowContract extends DatabaseContract {
    protected final EventTable layout = EventTable.of(orders);
    /** The same store as {@link #store}, with what only the row store has. */
    protected RowStore rows;

    protected RowContract(DatabaseSource source) {
        super(source);
    }

    @BeforeEach
    void openRows() {
        rows = new RowStore(dataSource, dialect, orders);
    }

    final LeaseTable leases() {
        return new LeaseTable(dataSource, dialect);
    }

    final Claim claim() {
        return take("me");
    }

    final List<PendingEvent> fetch() {
        return pending();
    }

    /** As the column has it, not as an operator's search reads it. */
    @Override
    protected final List<String> statuses() throws SQLException {
        List<String> found = new ArrayList<>();
        for (String code :
                query("select " + column(Column.STATUS) + " from " + table() + " order by " + column(Column.ID))) {
            found.add(Stream.of(Status.values())
                    .filter(status -> status != Status.CONSUMED || layout.canBeTracked())
                    .filter(status -> layout.code(status).equals(code))
                    .findFirst()
                    .orElseThrow()
                    .code());
        }
        return found;
    }
}
