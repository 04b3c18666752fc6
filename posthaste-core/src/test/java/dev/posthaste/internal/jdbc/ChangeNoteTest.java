package dev.posthaste.internal.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.ReplayPlan;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The progress of changes is read back as it was written, by this version and by those that wrote it with Jackson. */
class ChangeNoteTest {
    private static final EventFilter SEARCH = EventFilter.status(Status.PUBLISHED)
            .type("order \"placed\"")
            .from(Instant.parse("2026-11-29T10:15:30.123456Z"));
    private static final ReplayPlan PLAN = new ReplayPlan(SEARCH, "topic", null, 50);
    private static final ChangeNote NOTE =
            new ChangeNote(ChangeProgress.begin("what\nfor", 1_000, PLAN).at(7, 5, 1), "relay-1", 123_456);

    @Test
    void whatIsWrittenIsRead() {
        assertThat(ChangeNote.of(NOTE.detail())).isEqualTo(NOTE);
        ChangeNote many = new ChangeNote(ChangeProgress.begin("w", Long.MAX_VALUE, null), null, 0);
        assertThat(ChangeNote.of(many.detail())).isEqualTo(many);
        ChangeNote rows = new ChangeNote(
                ChangeProgress.begin(
                        "w", 9, new ReplayPlan(EventFilter.positions(3, 1).limit(7), null, "key", 1)),
                null,
                0);
        assertThat(ChangeNote.of(rows.detail())).isEqualTo(rows);
    }

    @Test
    void whatEarlierVersionsWroteIsRead() {
        assertThat(ChangeNote.of("""
                        running: what for
                        {"progress":{"state":"RUNNING","what":"what\\nfor","events":5,"failed":1,"through":1000,"after":7,\
                        "plan":{"selection":{"search":{"status":"PUBLISHED","type":"order \\"placed\\"","key":null,"eventId":null,\
                        "from":"2026-11-29T10:15:30.123456Z","to":null,"error":null,"errorGroup":null},"ids":[]},\
                        "destination":"topic","routingKey":null,"perSecond":50}},"runner":"relay-1","seenMicros":123456}""")).isEqualTo(NOTE);
    }

    @Test
    void whatIsWrittenOtherwiseIsNoNote() {
        for (String json : List.of(
                "",
                "null",
                "[]",
                "{}",
                "{\"progress\":{}}",
                "{\"progress\":{\"state\":\"LOST\",\"what\":\"w\"}}",
                "{\"a\":1}x")) {
            assertThat(ChangeNote.of("words\n" + json)).as(json).isNull();
        }
        assertThat(ChangeNote.of("words")).isNull();
    }
}
