package dev.posthaste.jdbc;

import dev.posthaste.admin.ChangeProgress;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the audit entry of a change says of its progress: in its first line for people, in its second as JSON, to be continued.
 *
 * @param runner who runs it and nobody else; null if several may
 * @param seenMicros when that was last said, by the database's clock
 */
record ChangeNote(ChangeProgress progress, @Nullable String runner, long seenMicros) {
    /** A process that has said nothing for so long is dead. A clock that was set back is noticed likewise. */
    private static final long MAX_SILENCE_MICROS = 30_000_000;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** @return null if the detail is of no such change, or was written by a version that noted none, or otherwise */
    static @Nullable ChangeNote of(@Nullable String detail) {
        int end = detail == null ? -1 : detail.indexOf('\n');
        if (detail == null || end < 0) {
            return null;
        }
        try {
            return JSON.readValue(detail.substring(end + 1), ChangeNote.class);
        } catch (JacksonException e) {
            return null;
        }
    }

    /** The part for people. */
    static @Nullable String words(@Nullable String detail) {
        int end = detail == null ? -1 : detail.indexOf('\n');
        return detail == null || end < 0 ? detail : detail.substring(0, end);
    }

    String detail() {
        return progress + "\n" + JSON.writeValueAsString(this);
    }

    boolean isLive(long nowMicros) {
        return runner != null
                && progress.state() == ChangeProgress.State.RUNNING
                && Math.abs(nowMicros - seenMicros) <= MAX_SILENCE_MICROS;
    }

    String sign() {
        return runner + " " + seenMicros;
    }
}
