package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CloseVerdictsTest {
    private final Suspects suspects = new Suspects(10);
    private final UnsentMessages unsent = new UnsentMessages();
    private final CloseVerdicts verdicts = new CloseVerdicts(suspects, unsent);
    private final Map<String, Outcome> outcomes = new LinkedHashMap<>();

    private Publication publication(String exchange, String routingKey, String id) {
        Message message =
                Message.of(exchange, new byte[0]).routingKey(routingKey).headers(Map.of(MessageHeaders.EVENT_ID, id));
        return new Publication(message, outcome -> outcomes.put(id, outcome), new FaultLog());
    }

    private void waits(String exchange, String routingKey, String id) {
        unsent.add(publication(exchange, routingKey, id));
    }

    private void guilty(String id, int code) {
        verdicts.guilty(publication("e", "k", id), code, "why", Suspects.Scope.CHANNEL);
    }

    @Test
    void theOnlyMessageIsRejectedWithTheServersReason() {
        waits("e", "k", "2");
        guilty("1", AMQP.PRECONDITION_FAILED);
        assertThat(outcomes).containsExactly(Map.entry("1", Outcome.rejected("RabbitMQ refused it: why")));
    }

    @Test
    void whatWaitsForAMissingExchangeIsRejectedToo() {
        waits("e", "other", "2");
        waits("f", "k", "3");
        guilty("1", AMQP.NOT_FOUND);
        assertThat(outcomes).containsOnlyKeys("1", "2");
    }

    @Test
    void whatWaitsForTheSameRoutingKeyIsRefusedAccessToo() {
        waits("e", "k", "2");
        waits("e", "other", "3");
        guilty("1", AMQP.ACCESS_REFUSED);
        assertThat(outcomes).containsOnlyKeys("1", "2");
    }

    @Test
    void aFailureOfTheServerCountsAgainstAMessageOnlyTheSecondTime() {
        guilty("1", AMQP.INTERNAL_ERROR);
        assertThat(outcomes.get("1")).isInstanceOf(Outcome.Unknown.class);
        assertThat(suspects.scope(publication("e", "k", "1"))).isEqualTo(Suspects.Scope.CHANNEL);
        guilty("1", AMQP.INTERNAL_ERROR);
        assertThat(outcomes.get("1")).isInstanceOf(Outcome.Rejected.class);
        assertThat(suspects.scope(publication("e", "k", "1"))).isNull();
    }

    @Test
    void ofSeveralMessagesEachIsUnknownAndASuspect() {
        List<ExchangeChannel.Outstanding> both = List.of(
                new ExchangeChannel.Outstanding(publication("e", "k", "1")),
                new ExchangeChannel.Outstanding(publication("e", "k", "2")));
        verdicts.suspects(() -> both, Suspects.Scope.CONNECTION, "closed");
        assertThat(outcomes).hasSize(2);
        assertThat(outcomes.values()).allMatch(Outcome.Unknown.class::isInstance);
        assertThat(suspects.anyAloneOnConnection()).isTrue();
    }
}
