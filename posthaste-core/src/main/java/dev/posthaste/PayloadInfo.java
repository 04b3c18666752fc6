package dev.posthaste;

import java.util.Map;

/** What is known about a payload besides its bytes. Only Posthaste implements it; it grows. */
@ProvidedByPosthaste
public interface PayloadInfo {
    /** The event's type. */
    String eventType();

    /** The schema version of the payload, {@code v1} unless its writer said otherwise. */
    String version();

    /** The event's headers, the writer's own. Not to be changed. */
    Map<String, String> headers();
}
