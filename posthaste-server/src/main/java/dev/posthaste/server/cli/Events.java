package dev.posthaste.server.cli;

import dev.posthaste.admin.FoundEvent;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How events are printed. */
final class Events {
    private Events() {}

    static void print(PrintWriter out, boolean json, List<FoundEvent> events) {
        if (json) {
            events.forEach(event -> Output.json(out, event));
            return;
        }
        List<List<? extends @Nullable Object>> rows = new ArrayList<>();
        for (FoundEvent event : events) {
            rows.add(Arrays.asList(
                    event.id(),
                    event.createdAt(),
                    event.status() == null ? event.statusCode() : event.status().code(),
                    event.attempts(),
                    event.type(),
                    event.key(),
                    event.eventId(),
                    event.error()));
        }
        Output.table(out, List.of("ROW", "WRITTEN", "STATUS", "TRIES", "TYPE", "KEY", "EVENT", "ERROR"), rows);
    }
}
