package dev.posthaste.relay.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.format.StoredEvent;
import dev.posthaste.internal.messages.Digest;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.store.Verdict;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OutgoingMessageTest {
    private static final OutboxDefinition ORDERS =
            OutboxDefinition.named("orders").route(Route.to("orders-topic")).types("order.placed");

    private static StoredRow event(@Nullable String destination) {
        return new StoredRow(7, "e-7", "order.placed", "1", "k", destination, null, null, new byte[] {'{', '}'});
    }

    private static Outcome refusal(StoredRow event, MessageFormat format) {
        return catchThrowableOfType(
                        OutgoingMessage.UnsendableException.class,
                        () -> OutgoingMessage.of(event, new Verdict.Seen(0, null), ORDERS, format))
                .outcome();
    }

    /** A format that fails like Jackson on some values, or with a stack overflow on others. */
    private static MessageFormat failingWith(Throwable thrown) {
        return new MessageFormat() {
            @Override
            public Message write(StoredEvent event, OutboxDefinition outbox) {
                if (thrown instanceof Error error) {
                    throw error;
                }
                throw (RuntimeException) thrown;
            }

            @Override
            public Message read(Message message) {
                return message;
            }
        };
    }

    @Test
    void aMessageSaysWhatWasCountedAndItsDigest() throws Exception {
        Message message = OutgoingMessage.of(event(null), new Verdict.Seen(3, 2), ORDERS, MessageFormat.RAW);
        assertThat(message.destination()).isEqualTo("orders-topic");
        assertThat(message.headers())
                .containsEntry(MessageHeaders.ATTEMPTS, "3")
                .containsEntry(MessageHeaders.GENERATION, "2");
        assertThat(Digest.matches(message)).isTrue();
        assertThat(message.headers()).containsKey(MessageHeaders.DIGEST);
        assertThat(OutgoingMessage.of(event(null), new Verdict.Seen(0, null), ORDERS, MessageFormat.RAW)
                        .headers())
                .doesNotContainKey(MessageHeaders.GENERATION);
    }

    @Test
    void aRowOfWhichNoMessageCanEverBeMadeIsRefusedForGood() {
        assertThat(refusal(event(null).defective("its key is too long"), MessageFormat.RAW))
                .isEqualTo(Outcome.rejected("its key is too long").permanent(true));
    }

    @Test
    void whateverAFormatThrowsRefusesOneEventUntilTheFormatIsMended() {
        assertThat(refusal(event(null), failingWith(new IllegalArgumentException("no JSON"))))
                .isEqualTo(Outcome.rejected("no JSON"));
        assertThat(refusal(event(null), failingWith(new StackOverflowError())))
                .isEqualTo(Outcome.rejected("java.lang.StackOverflowError"));
    }

    @Test
    void aDestinationThatIsNotAllowedYetIsRefusedAndMayBeAllowedLater() {
        assertThat(refusal(event("elsewhere"), MessageFormat.RAW))
                .isEqualTo(Outcome.rejected("destination elsewhere is not among those allowed for outbox orders;"
                        + " add it to the outbox's allowed destinations"));
    }
}
