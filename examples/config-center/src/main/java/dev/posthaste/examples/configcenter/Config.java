package dev.posthaste.examples.configcenter;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A configuration, as stored in its row.
 *
 * @param configValue the released value; empty before the first release
 * @param draftValue the value of the next release, or null
 * @param version 0 = never released
 * @param releaseUser null before the first release
 */
record Config(
        long id,
        String moduleName,
        String lang,
        String configKey,
        String desc,
        int configType,
        String configValue,
        String configSchema,
        @Nullable String draftValue,
        long version,
        String editUser,
        @Nullable String releaseUser,
        String relatedUsers,
        Instant createdAt,
        Instant updatedAt) {

    /** What a new configuration needs. */
    record Draft(
            String moduleName,
            String lang,
            String configKey,
            String desc,
            int configType,
            String configValue,
            String configSchema,
            String user,
            String relatedUsers) {}

    /**
     * A requested change.
     *
     * @param version the version that the user saw; any other is a conflict
     * @param configValue the new value; ignored for a release
     */
    record Change(
            long id, long version, String user, @Nullable String configValue) {}

    /** The same configuration with its draft replaced. */
    Config withDraft(String draft, String user, Instant now) {
        return new Config(
                id,
                moduleName,
                lang,
                configKey,
                desc,
                configType,
                configValue,
                configSchema,
                draft,
                version,
                user,
                releaseUser,
                relatedUsers,
                createdAt,
                now);
    }

    /** The next version, with {@code value} released by {@code user} and the given draft. */
    Config released(String value, @Nullable String draft, String editor, String user, Instant now) {
        return new Config(
                id,
                moduleName,
                lang,
                configKey,
                desc,
                configType,
                value,
                configSchema,
                draft,
                version + 1,
                editor,
                user,
                relatedUsers,
                createdAt,
                now);
    }
}
