package dev.posthaste.reliability.torture;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Statistic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.stream.StreamSupport;

/**
 * Records this process's state four times a second in a file that {@link VitalSigns} reads: its threads, its registered
 * counts, and now and then how much of the heap is left after a collection.
 */
final class Vitals {
    static final String SUFFIX = ".vitals";
    static final String THREADS = "threads";
    static final String HEAP = "heap";

    /** The recorded value of a meter that has not measured anything yet. */
    static final long UNMEASURED = -1;

    private static final long EVERY_MILLIS = 250;
    /** Every 7.5 seconds, and first after five: a collection stops the process for tens of milliseconds. */
    private static final int COLLECT_EVERY = 30;

    private static final int FIRST_COLLECTION = 20;

    private final Lines lines;
    private final Map<String, LongSupplier> signs = new LinkedHashMap<>();

    Vitals(Path home, String name) throws IOException {
        lines = new Lines(home.resolve(name + SUFFIX));
        sign(THREADS, () -> ManagementFactory.getThreadMXBean().getThreadCount());
    }

    /** Must be called before {@link #start}. */
    Vitals sign(String name, LongSupplier value) {
        signs.put(name, value);
        return this;
    }

    /** The sum over all meters of this name: a counter's value, a timer's count, a gauge's last value. */
    Vitals meter(MeterRegistry meters, String name) {
        return sign(name, () -> valueOf(meters, name));
    }

    private static long valueOf(MeterRegistry meters, String name) {
        double sum =
                meters.find(name).meters().stream().mapToDouble(Vitals::valueOf).sum();
        return Double.isNaN(sum) ? UNMEASURED : (long) sum;
    }

    private static double valueOf(Meter meter) {
        return StreamSupport.stream(meter.measure().spliterator(), false)
                .filter(each -> each.getStatistic() == Statistic.COUNT || each.getStatistic() == Statistic.VALUE)
                .findFirst()
                .orElseThrow()
                .getValue();
    }

    /** Whether a thread with this name is alive; looked up by name, because the engine does not expose its threads. */
    static boolean lives(String thread) {
        Thread[] threads = new Thread[2 * Thread.activeCount() + 16];
        int number = Thread.enumerate(threads);
        for (int i = 0; i < number; i++) {
            if (threads[i].getName().equals(thread)) {
                return true;
            }
        }
        return false;
    }

    void start() {
        Thread thread = new Thread(this::write, "vitals");
        thread.setDaemon(true);
        thread.start();
    }

    private void write() {
        try {
            for (int tick = 0; ; tick++) {
                StringBuilder line = new StringBuilder();
                signs.forEach((name, value) -> append(line, name, value.getAsLong()));
                if (tick % COLLECT_EVERY == FIRST_COLLECTION) {
                    append(line, HEAP, collect());
                }
                lines.add(line.toString());
                Thread.sleep(EVERY_MILLIS);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            // the process ends
        }
    }

    private static void append(StringBuilder line, String name, long value) {
        line.append(line.isEmpty() ? "" : " ").append(name).append('=').append(value);
    }

    /** The heap when the collection ended: until this thread runs again there may be many new objects. */
    private static long collect() {
        System.gc();
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(pool -> pool.getCollectionUsage().getUsed())
                .sum();
    }
}
