package dev.posthaste.internal.messages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EventIdsTest {
    @Test
    void posthastesIdIsTheFirst() {
        assertThat(EventIds.in(
                        Map.of("posthaste-event-id", "ours", "id", "theirs", "ce_id", "1", "ce_source", "/shop")))
                .isEqualTo("ours");
        assertThat(EventIds.in(Map.of("id", "theirs"))).isEqualTo("theirs");
    }

    /** One listener calls once(), another is an inbox: they must agree about what was handled. */
    @Test
    void aCloudEventHasTheIdThatAnInboxGivesIt() {
        for (String prefix : EventIds.CLOUD_EVENTS) {
            Map<String, String> headers = Map.of(
                    prefix + "id", "1", prefix + "source", "/shop", prefix + "type", "order.placed", "id", "other");
            Message read = MessageFormat.cloudEvents("/any")
                    .read(Message.of("topic", new byte[0]).headers(headers));
            assertThat(EventIds.in(headers)).isEqualTo(read.eventId());
        }
        assertThat(EventIds.in(Map.of("ce_id", "1", "ce_source", "/shop")))
                .isNotEqualTo(EventIds.in(Map.of("ce_id", "1", "ce_source", "/other")));
    }

    @Test
    void aMessageWithoutAnIdIsRefusedWithWhatWasLookedFor() {
        for (Map<String, String> headers : List.<Map<String, String>>of(
                Map.of(), Map.of("ce_id", "1"), Map.of("posthaste-event-id", "", "id", ""))) {
            assertThatThrownBy(() -> EventIds.in(headers))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("posthaste-event-id")
                    .hasMessageContaining("ce_id");
        }
    }
}
