package dev.posthaste.journal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Some receipts of a batch were not written; all others of it were, and are committed. */
public final class ReceiptsLeftException extends JournalException {
    private final transient List<Receipt> refused;
    private final transient List<Receipt> locked;

    /** @param cause why the first of {@code refused} was refused; null without one */
    public ReceiptsLeftException(
            String outbox, List<Receipt> refused, List<Receipt> locked, @Nullable Throwable cause) {
        super(
                "Receipts of outbox " + outbox + " were not written: the table refused " + refused.size() + ", and "
                        + locked.size() + " are for rows that another transaction has locked",
                cause);
        this.refused = List.copyOf(refused);
        this.locked = List.copyOf(locked);
    }

    /** Those that the table does not take, even without their error texts. They will be refused again. */
    public List<Receipt> refused() {
        return refused;
    }

    /** Those whose rows another transaction has locked; write them again later. */
    public List<Receipt> locked() {
        return locked;
    }
}
