package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.store.Verdict;
import java.time.Duration;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SettlementTest {
    private static final RetryPolicy THREE =
            RetryPolicy.fixed(Duration.ofSeconds(5)).attempts(3);

    private static PendingEvent event(int attempts, @Nullable Integer maxAttempts) {
        return new PendingEvent(
                new StoredRow(7, "e", "t", "v1", "k", null, null, null, new byte[0]), attempts, maxAttempts, 0, 0);
    }

    private static Settlement.Decision decide(PendingEvent event, Outcome outcome, int resends) {
        return decide(event, outcome, resends, false);
    }

    private static Settlement.Decision decide(PendingEvent event, Outcome outcome, int resends, boolean tracked) {
        return Settlement.decide(event, outcome, resends, tracked, THREE, new Random(1));
    }

    private static Verdict verdict(PendingEvent event, Outcome outcome) {
        return ((Settlement.Decision.Write) decide(event, outcome, 0)).verdict();
    }

    @Test
    void whatIsAcknowledgedIsPublished() {
        assertThat(verdict(event(2, null), Outcome.acknowledged())).isEqualTo(new Verdict.Published(7, 2));
    }

    @Test
    void aRejectionCountsAndTheLastOneKills() {
        Outcome rejected = Outcome.rejected("no");
        assertThat(verdict(event(0, null), rejected)).isEqualTo(new Verdict.Retry(7, 0, Duration.ofSeconds(5), "no"));
        assertThat(verdict(event(1, null), rejected)).isEqualTo(new Verdict.Retry(7, 1, Duration.ofSeconds(5), "no"));
        assertThat(verdict(event(2, null), rejected)).isEqualTo(new Verdict.Dead(7, 2, "no"));
    }

    @Test
    void anEventsOwnLimitGoesBeforeThePolicys() {
        assertThat(verdict(event(0, 1), Outcome.rejected("no"))).isInstanceOf(Verdict.Dead.class);
        assertThat(verdict(event(5, 9), Outcome.rejected("no"))).isInstanceOf(Verdict.Retry.class);
    }

    @Test
    void whatCanNeverBeTakenIsDeadAtOnce() {
        assertThat(verdict(event(0, null), Outcome.rejected("never").permanent(true)))
                .isEqualTo(new Verdict.Dead(7, 0, "never"));
    }

    @Test
    void neitherAnUnknownOutcomeNorAnAbsentBrokerCountsAnAttempt() {
        for (int resends : new int[] {0, 1, 20, 62, 63, 64, Integer.MAX_VALUE}) {
            Settlement.Decision unknown = decide(event(2, null), Outcome.unknown("?"), resends);
            assertThat(((Settlement.Decision.SendAgain) unknown).after())
                    .isBetween(Duration.ofMillis(10), Duration.ofSeconds(10));
        }
        assertThat(decide(event(2, null), Outcome.unavailable("away"), 0))
                .isEqualTo(new Settlement.Decision.SendAgain(Duration.ZERO));
    }

    @Test
    void whatEveryConsumerHasHandledIsConsumedInATrackedOutbox() {
        assertThat(decide(event(2, null), Outcome.handled(), 0, true))
                .isEqualTo(new Settlement.Decision.Write(new Verdict.Consumed(7, 2)));
        assertThat(decide(event(2, null), Outcome.acknowledged(), 0, true))
                .isEqualTo(new Settlement.Decision.Write(new Verdict.Published(7, 2)));
        assertThat(verdict(event(2, null), Outcome.handled())).isEqualTo(new Verdict.Published(7, 2));
    }

    @Test
    void attemptsDoNotOverflow() {
        assertThat(verdict(event(Integer.MAX_VALUE, null), Outcome.rejected("no")))
                .isEqualTo(new Verdict.Dead(7, Integer.MAX_VALUE, "no"));
    }
}
