package dev.posthaste.inbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.receipts.OriginHeaders;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.internal.store.Receipt;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rows that receipts can name: all that a table can have. */
class ReceiptRowsTest {
    private static Message messageOf(String row) {
        Map<String, String> headers = new HashMap<>(Map.of(
                MessageHeaders.OUTBOX,
                "orders",
                MessageHeaders.POSITION,
                row,
                MessageHeaders.EVENT_ID,
                "id-of-" + row));
        return Message.of("topic", new byte[0]).headers(headers);
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, -7, 0, 1, 999_999_999_999_999_999L, Long.MAX_VALUE})
    void C01_everyRowOfATrackedOutboxIsToldOf(long row) {
        Receipt.Consumed consumed = Objects.requireNonNull(OriginHeaders.consumed(messageOf(Long.toString(row))));
        assertThat(consumed).isEqualTo(new Receipt.Consumed("orders", row, "id-of-" + row));
        assertThat(ReceiptMessages.read(ReceiptMessages.write(consumed))).isEqualTo(consumed);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "1.5", "--1", "+1", "9223372036854775808", "00000000000000000001"})
    void whatIsNoRowIsNotToldOf(String row) {
        assertThat(OriginHeaders.consumed(messageOf(row))).isNull();
    }

    /** Needed until 2.0: messages and receipts of versions before 1.0 may still be in transit. */
    @Test
    void whatThePositionWasCalledBeforeIsReadToo() {
        Message old = Message.of("topic", new byte[0])
                .headers(Map.of(MessageHeaders.OUTBOX, "orders", "posthaste-row", "7", MessageHeaders.EVENT_ID, "id"));
        Receipt.Consumed seven = new Receipt.Consumed("orders", 7, "id");
        assertThat(OriginHeaders.consumed(old)).isEqualTo(seven);
        byte[] receipt = "{\"outbox\":\"orders\",\"row\":7,\"event_id\":\"id\",\"status\":\"consumed\"}"
                .getBytes(StandardCharsets.UTF_8);
        assertThat(ReceiptMessages.read(receipt)).isEqualTo(seven);
        assertThat(new String(ReceiptMessages.write(seven), StandardCharsets.UTF_8))
                .contains("\"position\":7")
                .doesNotContain("row");
    }

    @Test
    void aReceiptWithoutAPositionIsRefused() {
        for (String row : new String[] {"", "\"position\":1.5,", "\"position\":9223372036854775808,"}) {
            byte[] body = ("{" + row + "\"outbox\":\"orders\",\"event_id\":\"id\",\"status\":\"consumed\"}")
                    .getBytes(StandardCharsets.UTF_8);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ReceiptMessages.read(body))
                    .withMessageContaining("position is missing");
        }
    }
}
