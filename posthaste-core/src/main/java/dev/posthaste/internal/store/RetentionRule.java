package dev.posthaste.internal.store;

import dev.posthaste.internal.text.DurationText;
import java.time.Duration;

/**
 * Which finished events of an outbox are deleted: the published ones; in a tracked outbox, only the consumed ones.
 *
 * @param keep how long they are kept after that
 * @param deadToo whether dead events are deleted as well, or kept for operators however old they are
 */
public record RetentionRule(Duration keep, boolean deadToo) {
    public RetentionRule {
        if (keep.isNegative()) {
            throw new IllegalArgumentException("Events cannot be kept for " + DurationText.of(keep));
        }
    }
}
