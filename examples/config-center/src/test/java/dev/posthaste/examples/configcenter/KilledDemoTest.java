package dev.posthaste.examples.configcenter;

import dev.posthaste.examples.support.KilledDemo;
import java.util.concurrent.TimeUnit;

/** Ten kills: in the demo's first second, while its writers write, and while its history is recorded. */
class KilledDemoTest extends KilledDemo {
    KilledDemoTest() {
        super(Demo.class, Settings.SQLITE_FILE, "--changes", 10, 1_000);
    }

    @Override
    protected long made() {
        return count("select sum(version - 1) from config where version > 0");
    }

    @Override
    protected long ended() {
        return count("select count(*) from config_history");
    }

    @Override
    protected void awaitKillMoment(int kill, int moment) {
        if (kill > 0) {
            super.awaitKillMoment(kill, moment);
            return;
        }
        long at = System.nanoTime() + TimeUnit.MICROSECONDS.toNanos(200_000 + moment * 1_600L);
        awaitKillMoment(() -> System.nanoTime() - at > 0);
    }
}
