package dev.posthaste.server.cli;

import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How events are found and printed. */
final class Events {
    private Events() {}

    static EventFilter at(List<Long> positions) {
        return EventFilter.positions(
                positions.stream().mapToLong(Long::longValue).toArray());
    }

    /** The newest {@code limit} matches with positions below {@code before}, however long it takes. */
    static FoundPage find(StoreOutboxAdmin outbox, EventFilter search, @Nullable Long before, int limit) {
        List<FoundEvent> found = new ArrayList<>();
        Long next = before;
        do {
            FoundPage page = outbox.search(search, next, Math.min(StoreOutboxAdmin.MAX_PAGE, limit - found.size()));
            found.addAll(page.events());
            next = page.next();
        } while (next != null && found.size() < limit);
        return new FoundPage(found, next);
    }

    static void print(PrintWriter out, boolean json, List<FoundEvent> events) {
        if (json) {
            events.forEach(event -> Output.json(out, event));
            return;
        }
        List<List<? extends @Nullable Object>> rows = new ArrayList<>();
        for (FoundEvent event : events) {
            rows.add(Arrays.asList(
                    event.position(),
                    event.createdAt(),
                    event.status() == null ? event.statusCode() : event.status().code(),
                    event.attempts(),
                    event.type(),
                    event.key(),
                    event.eventId(),
                    event.error()));
        }
        Output.table(out, List.of("POSITION", "WRITTEN", "STATUS", "ATTEMPTS", "TYPE", "KEY", "EVENT", "ERROR"), rows);
    }
}
