package dev.posthaste.internal.admin;

import dev.posthaste.admin.FoundEvent;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Found events, newest first.
 *
 * @param next where the next page begins: below this id; null when there is nothing more. A page with fewer events than
 *     were asked for and a {@code next} is where the search has got to within its time; the caller continues from there
 */
public record FoundPage(List<FoundEvent> events, @Nullable Long next) {}
