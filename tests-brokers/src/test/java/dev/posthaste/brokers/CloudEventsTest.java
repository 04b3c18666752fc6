package dev.posthaste.brokers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.store.StoredRow;
import io.cloudevents.CloudEvent;
import io.cloudevents.SpecVersion;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.format.EventFormat;
import io.cloudevents.core.provider.EventFormatProvider;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.KafkaMessageFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

/** How the CloudEvents SDK reads our messages, and how we read the SDK's. */
class CloudEventsTest {
    private static final String SOURCE = "/shop/orders";
    private static final String PAYLOAD = "{\"total\":3.10,\"text\":\"späße 漢字\"}";
    private static final OutboxDefinition ORDERS = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders-topic"))
            .types("placed");
    private static final StoredRow EVENT = new StoredRow(
            7,
            "e-1",
            "placed",
            "v2",
            "order-ü",
            null,
            null,
            "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}",
            PAYLOAD.getBytes(StandardCharsets.UTF_8));

    private static CloudEvent read(Message message) {
        RecordHeaders headers = new RecordHeaders();
        message.headers().forEach((name, value) -> headers.add(name, value.getBytes(StandardCharsets.UTF_8)));
        ConsumerRecord<Void, byte[]> record = new ConsumerRecord<>(
                message.destination(),
                0,
                0,
                0L,
                TimestampType.CREATE_TIME,
                0,
                0,
                null,
                message.body(),
                headers,
                java.util.Optional.empty());
        return KafkaMessageFactory.createReader(record).toEvent();
    }

    private static void assertTheEvent(CloudEvent event) {
        assertThat(event.getSpecVersion()).isEqualTo(SpecVersion.V1);
        assertThat(event.getId()).isEqualTo("e-1");
        assertThat(event.getType()).isEqualTo("placed");
        assertThat(event.getSource()).isEqualTo(URI.create(SOURCE));
        assertThat(event.getSubject()).isEqualTo("order-ü");
        assertThat(event.getDataContentType()).isEqualTo("application/json");
        assertThat(event.getExtension("partitionkey")).isEqualTo("order-ü");
        assertThat(event.getExtension("eventversion")).isEqualTo("v2");
        assertThat(event.getExtension("traceparent")).asString().startsWith("00-0af7");
    }

    @Test
    void binaryModeIsWhatTheSdkReads() {
        Message message = MessageFormat.cloudEvents(SOURCE).write(EVENT, ORDERS);
        CloudEvent event = read(message);
        assertTheEvent(event);
        assertThat(Objects.requireNonNull(event.getData()).toBytes())
                .asString(StandardCharsets.UTF_8)
                .isEqualTo(PAYLOAD);
        assertThat(message.key()).isEqualTo("order-ü");
    }

    @Test
    void structuredModeIsWhatTheSdkReads() {
        Message message = MessageFormat.cloudEventsStructured(SOURCE).write(EVENT, ORDERS);
        CloudEvent event = read(message);
        assertTheEvent(event);
        assertThat(new String(Objects.requireNonNull(event.getData()).toBytes(), StandardCharsets.UTF_8))
                .contains("3.1", "späße 漢字");
        Message again = MessageFormat.cloudEventsStructured(SOURCE).read(message);
        assertThat(again.eventId()).isEqualTo("e-1");
        assertThat(new String(again.body(), StandardCharsets.UTF_8))
                .as("exactly as written")
                .isEqualTo(PAYLOAD);
    }

    @Test
    void whatTheSdkWritesIsRead() {
        CloudEvent event = CloudEventBuilder.v1()
                .withId("x-1")
                .withSource(URI.create("/elsewhere"))
                .withType("placed")
                .withData("application/json", PAYLOAD.getBytes(StandardCharsets.UTF_8))
                .build();
        EventFormat json =
                Objects.requireNonNull(EventFormatProvider.getInstance().resolveFormat(JsonFormat.CONTENT_TYPE));
        Map<String, String> headers = new HashMap<>(Map.of("content-type", JsonFormat.CONTENT_TYPE));
        Message structured = Message.of("t", json.serialize(event)).headers(headers);
        Message read = MessageFormat.cloudEvents(SOURCE).read(structured);
        String known = read.eventId();
        assertThat(known).as("a hash of source and id").hasSize(64);
        assertThat(read.eventType()).isEqualTo("placed");
        assertThat(new String(read.body(), StandardCharsets.UTF_8)).contains("späße 漢字");
        for (String prefix : new String[] {"ce_", "cloudEvents:", "cloudEvents_"}) {
            Map<String, String> binary =
                    Map.of(prefix + "id", "x-1", prefix + "source", "/elsewhere", prefix + "type", "placed");
            Message opened = MessageFormat.cloudEvents(SOURCE)
                    .read(Message.of("t", PAYLOAD.getBytes(StandardCharsets.UTF_8))
                            .headers(binary));
            assertThat(opened.eventId()).isEqualTo(known);
            assertThat(opened.eventType()).isEqualTo("placed");
        }
    }

    @Test
    void whatIsNoCloudEventIsRefusedWithTheReason() {
        assertThatThrownBy(() -> MessageFormat.cloudEvents(SOURCE).read(Message.of("t", new byte[] {'x'})))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a CloudEvent");
        assertThatThrownBy(() -> MessageFormat.cloudEvents(" ")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void forAmqpTheHeadersAreNamedAsItsBindingSays() {
        Message message = MessageFormat.cloudEventsAmqp(SOURCE).write(EVENT, ORDERS);
        assertThat(message.headers())
                .containsEntry("cloudEvents:id", "e-1")
                .containsEntry("cloudEvents:type", "placed");
    }
}
