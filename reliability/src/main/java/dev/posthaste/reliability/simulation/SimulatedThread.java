package dev.posthaste.reliability.simulation;

import dev.posthaste.internal.admin.Waiting;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * A node's thread, for code that waits in the middle of its work. It is a JVM thread, but runs only while the schedule
 * waits for it: from a task of the schedule until it sleeps, which schedules the next task. So the seed decides what it
 * does.
 */
final class SimulatedThread implements Waiting {
    private final Schedule schedule;
    private final Node node;
    private final Semaphore mine = new Semaphore(0);
    private final Semaphore others = new Semaphore(0);
    private boolean asleep;
    private boolean abandoned;
    private @Nullable Throwable end;

    SimulatedThread(Schedule schedule, Node node) {
        this.schedule = schedule;
        this.node = node;
    }

    /** Runs the work until it first sleeps or ends; the caller's thread waits until then. One task at a time. */
    void start(Runnable work) {
        Thread thread = new Thread(
                () -> {
                    mine.acquireUninterruptibly();
                    try {
                        work.run();
                    } catch (Throwable e) {
                        end = e;
                    } finally {
                        others.release();
                    }
                },
                "simulated " + node);
        thread.setDaemon(true);
        thread.start();
        goOn();
    }

    private void goOn() {
        asleep = false;
        mine.release();
        others.acquireUninterruptibly();
        Throwable thrown = end;
        end = null;
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
    }

    /** Ends work that sleeps and would never be woken, because the run is over. */
    void abandon() {
        if (asleep) {
            abandoned = true;
            node.die();
            try {
                goOn();
            } catch (Node.CrashError e) {
                // expected
            }
        }
    }

    @Override
    public long nanoTime() {
        return schedule.now();
    }

    @Override
    public void sleep(long nanos) {
        node.requireAlive();
        asleep = true;
        schedule.in(Math.max(1, nanos), node, this, this::goOn);
        others.release();
        mine.acquireUninterruptibly();
        if (abandoned) {
            throw new Node.CrashError(node);
        }
        node.requireAlive();
    }

    /** Sees what arrives meanwhile only afterwards. */
    @Override
    public <T> @Nullable T poll(BlockingQueue<T> queue, long nanos) {
        T found = queue.poll();
        if (found != null || nanos == 0) {
            return found;
        }
        sleep(nanos);
        return queue.poll();
    }
}
