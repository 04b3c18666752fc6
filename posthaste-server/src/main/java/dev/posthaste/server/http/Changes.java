package dev.posthaste.server.http;

import dev.posthaste.Status;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.DryRun;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.server.ServerContext;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.Set;
import java.util.function.LongPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What all changes of an outbox have in common: how long a request works on one, and what follows once it is made. */
final class Changes {
    private static final Logger log = LoggerFactory.getLogger(Changes.class);
    private static final Duration REQUEST_TIME = Duration.ofSeconds(20);
    private static final Duration DRY_RUN_TIME = Duration.ofSeconds(10);

    private final ServerContext server;

    Changes(ServerContext server) {
        this.server = server;
    }

    /** Ends a change's work when a request has taken long enough; proxies and browsers give up on longer ones. */
    static final class Deadline implements LongPredicate {
        private final long end = System.nanoTime() + REQUEST_TIME.toNanos();
        private boolean passed;

        @Override
        public boolean test(long done) {
            passed = System.nanoTime() - end >= 0;
            return !passed;
        }

        boolean passed() {
            return passed;
        }
    }

    /** Answers with what a filter matches, as far as it is counted in the time of a request. */
    void dryRun(Context context, StoreOutboxAdmin outbox, EventFilter filter, Set<Status> statuses) {
        long end = System.nanoTime() + DRY_RUN_TIME.toNanos();
        DryRun dry = outbox.dryRun(filter, statuses, done -> System.nanoTime() - end < 0);
        context.json(Views.DryRunView.of(outbox.definition().name(), dry));
    }

    /** Logs the change, has the outbox looked at soon, and answers. */
    void made(
            Context context,
            String what,
            StoreOutboxAdmin outbox,
            Change change,
            ChangeResult result,
            boolean complete) {
        String name = outbox.definition().name();
        log.info(
                "Outbox {}: {} by {}, {} events; reason: {}",
                name,
                what,
                change.actor(),
                result.events(),
                change.reason().replaceAll("\\p{Cntrl}", " "));
        server.monitor().hint(name);
        context.json(Views.ResultView.of(change, result, complete));
    }
}
