package dev.posthaste.examples.eventbus;

import dev.posthaste.examples.support.KilledDemo;

/** Four kills: while the demo's writers write, and while its handlers work. */
class KilledDemoTest extends KilledDemo {
    KilledDemoTest() {
        super(Demo.class, Settings.SQLITE_FILE, "--events", 4, 600);
    }

    @Override
    protected long made() {
        return count("select (select sum(messages) from conversation) + (select sum(steps) from task)");
    }

    @Override
    protected long ended() {
        return count("select (select count(*) from memory) + (select count(*) from task_log)");
    }
}
