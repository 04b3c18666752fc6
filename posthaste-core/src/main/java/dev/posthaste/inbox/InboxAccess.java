package dev.posthaste.inbox;

import dev.posthaste.inbox.internal.InboxTesting;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** Gives tests access to what inboxes and receipts do not offer to applications. */
final class InboxAccess extends InboxTesting {
    @Override
    protected void setExecutor(Inbox.Builder builder, ScheduledExecutorService executor, RandomGenerator random) {
        builder.executor = executor;
        builder.random = random;
    }

    @Override
    protected Receipts withListener(Receipts receipts, Consumer<String> hears) {
        return receipts.beforeRefusals(hears);
    }
}
