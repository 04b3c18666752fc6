package dev.posthaste.internal.admin;

import dev.posthaste.admin.Admin;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.UnknownOutboxException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Outboxes by name, in one database or several. Thread-safe. */
public final class StoreAdmin implements Admin {
    private final Map<String, StoreOutboxAdmin> outboxes = new LinkedHashMap<>();

    /** @param outboxes in the order in which they are shown */
    public StoreAdmin(Collection<StoreOutboxAdmin> outboxes) {
        outboxes.forEach(outbox -> this.outboxes.put(outbox.definition().name(), outbox));
    }

    @Override
    public StoreOutboxAdmin outbox(String name) {
        StoreOutboxAdmin outbox = outboxes.get(name);
        if (outbox == null) {
            throw new UnknownOutboxException(name, outboxes.keySet());
        }
        return outbox;
    }

    @Override
    public Set<String> outboxes() {
        return Collections.unmodifiableSet(outboxes.keySet());
    }

    public Collection<StoreOutboxAdmin> all() {
        return Collections.unmodifiableCollection(outboxes.values());
    }

    /** The newest {@code limit} entries of each outbox with ids below {@code before}, merged: the newest of them. */
    public List<AuditEntry> audit(@Nullable Long row, @Nullable Long before, int limit) {
        List<AuditEntry> all = new ArrayList<>();
        outboxes.values().forEach(outbox -> all.addAll(outbox.audit(row, before, limit)));
        all.sort(Comparator.comparing(AuditEntry::at).reversed());
        return all.subList(0, Math.min(limit, all.size()));
    }
}
