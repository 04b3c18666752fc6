package dev.posthaste.reliability.torture;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What was measured in a campaign, besides what it found.
 *
 * @param calm of the calm phases
 * @param mostDuplicates the most duplicates that consumers received because of one fault, or of several together
 * @param idleStatements per second, of all relays together, when there was nothing to do
 * @param largestHeap the most bytes that a relay or consumer had in its heap after a collection
 * @param mostThreads the most threads that a relay or consumer had
 */
record Figures(Calm.Figures calm, long mostDuplicates, long idleStatements, long largestHeap, long mostThreads) {
    static final Figures NONE = new Figures(Calm.Figures.NONE, 0, 0, 0, 0);

    /** @param violations receives what grew in a process, and what cost too much */
    static Figures of(
            Testbed stage, Calm.Figures calm, long mostDuplicates, long idleStatements, List<String> violations)
            throws IOException {
        Map<String, List<Long>> heaps = VitalSigns.series(stage.setup.home(), Vitals.HEAP);
        Map<String, List<Long>> threads = VitalSigns.series(stage.setup.home(), Vitals.THREADS);
        violations.addAll(grown("heap", Growth.HEAP, heaps));
        violations.addAll(grown("threads", Growth.THREADS, threads));
        String excess = calm.excess();
        if (excess != null) {
            violations.add("statements: " + excess);
        }
        String slowness = calm.slowness();
        if (slowness != null) {
            violations.add("settling: in calm phases, " + slowness);
        }
        return new Figures(calm, mostDuplicates, idleStatements, largest(heaps), largest(threads));
    }

    static List<String> grown(String what, Growth limit, Map<String, List<Long>> measured) {
        List<String> grown = new ArrayList<>();
        measured.forEach((process, values) -> {
            if (limit.isFoundIn(values)) {
                grown.add(what + ": " + process + " began with " + values.get(0) + " and ended with "
                        + values.get(values.size() - 1) + ", in " + values.size() + " measurements");
            }
        });
        return grown;
    }

    private static long largest(Map<String, List<Long>> measured) {
        return measured.values().stream()
                .flatMap(List::stream)
                .mapToLong(Long::longValue)
                .max()
                .orElse(0);
    }

    /** Combines the figures of several campaigns. */
    Figures and(Figures other) {
        return new Figures(
                calm.and(other.calm),
                Math.max(mostDuplicates, other.mostDuplicates),
                Math.max(idleStatements, other.idleStatements),
                Math.max(largestHeap, other.largestHeap),
                Math.max(mostThreads, other.mostThreads));
    }

    /** As members of a JSON object. */
    String summary() {
        return ("\"mostDuplicates\":%d,\"calmMillis\":%d,\"requeueMillis\":%d,\"settlingMillis\":%d,\"statementsPerEvent\":%s,\"idleStatements\":%d,"
                        + "\"largestHeapKiB\":%d,\"mostThreads\":%d")
                .formatted(
                        mostDuplicates,
                        calm.handledMillis(),
                        calm.requeuedMillis(),
                        calm.settlingMillis(),
                        calm.published() == 0
                                ? "null"
                                : String.valueOf(Math.round(100.0 * calm.statements() / calm.published()) / 100.0),
                        idleStatements,
                        largestHeap / 1024,
                        mostThreads);
    }
}
