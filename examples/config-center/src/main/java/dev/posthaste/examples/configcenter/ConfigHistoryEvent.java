package dev.posthaste.examples.configcenter;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The state of a configuration before it changed. Its JSON members are named after the components, in snake case.
 *
 * @param occurredAt seconds since 1970
 * @param version the version that this state had
 * @param createdAt when this state was created: the row's {@code updated_at} before the change
 */
record ConfigHistoryEvent(
        String eventId,
        String eventType,
        long occurredAt,
        int schemaVersion,
        @Nullable String traceId,
        long configId,
        String moduleName,
        String lang,
        String configKey,
        String desc,
        int configType,
        String configValue,
        String configSchema,
        long version,
        String editUser,
        @Nullable String releaseUser,
        String relatedUsers,
        Instant createdAt) {
    static final String TYPE = "config.history.created";
    static final int SCHEMA_VERSION = 1;

    static ConfigHistoryEvent of(String eventId, @Nullable String traceId, Instant now, Config before) {
        return new ConfigHistoryEvent(
                eventId,
                TYPE,
                now.getEpochSecond(),
                SCHEMA_VERSION,
                traceId,
                before.id(),
                before.moduleName(),
                before.lang(),
                before.configKey(),
                before.desc(),
                before.configType(),
                before.configValue(),
                before.configSchema(),
                before.version(),
                before.editUser(),
                before.releaseUser(),
                before.relatedUsers(),
                before.updatedAt());
    }
}
