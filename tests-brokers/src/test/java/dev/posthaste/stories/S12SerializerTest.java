package dev.posthaste.stories;

import static dev.posthaste.stories.Shop.reserve;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.posthaste.Catalog;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.PayloadInfo;
import dev.posthaste.PayloadSerializer;
import dev.posthaste.Status;
import dev.posthaste.TableLayout;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.jackson.Jackson2Serializer;
import dev.posthaste.jackson.JacksonSerializer;
import dev.posthaste.relay.Relay;
import dev.posthaste.stories.Shop.Order;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.sql.DataSource;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** A serializer of one's own, such as Avro's; Jackson 3 or 2 as it is configured elsewhere, or whichever is there. */
class S12SerializerTest {
    private static final Catalog CATALOG = Catalog.empty().outbox("orders", o -> o.types("order.placed"));

    /** Orders as {@code id,product,amount}. */
    static final class Csv implements PayloadSerializer {
        @Override
        public byte[] write(Object payload, PayloadInfo info) { // thrown: InvalidEventException, before any SQL
            Order order = (Order) payload;
            String line = order.id() + "," + order.product() + "," + order.amount();
            return line.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) { // thrown: dead letter, no retry
            String[] line = new String(bytes, StandardCharsets.UTF_8).split(",");
            return type.cast(new Order(line[0], line[1], Integer.parseInt(line[2])));
        }

        @Override
        public String contentType() { // travels as header content-type
            return "text/csv";
        }
    }

    /** Records of one schema; classes that Avro generates are read and written by {@code SpecificDatumReader} and its kind. */
    static final class Avro implements PayloadSerializer {
        private final Schema schema;

        Avro(Schema schema) {
            this.schema = schema;
        }

        @Override
        public byte[] write(Object payload, PayloadInfo info) throws IOException {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
            new GenericDatumWriter<GenericRecord>(schema).write((GenericRecord) payload, encoder);
            encoder.flush();
            return out.toByteArray();
        }

        @Override
        public <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) throws IOException {
            BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
            return type.cast(new GenericDatumReader<GenericRecord>(schema).read(null, decoder));
        }

        @Override
        public String contentType() {
            return "avro/binary";
        }
    }

    /** Either Jackson as it is configured elsewhere. */
    static JdbcOutbox three(Catalog catalog, JsonMapper mapper) {
        return JdbcOutbox.of(catalog).serializer(JacksonSerializer.of(mapper));
    }

    static JdbcOutbox two(Catalog catalog, ObjectMapper mapper) {
        return JdbcOutbox.of(catalog).serializer(Jackson2Serializer.of(mapper));
    }

    @Test
    void whicheverJacksonItIsThePayloadIsTheSame() throws Exception {
        DataSource database = Shop.database(CATALOG);
        JdbcOutbox found = JdbcOutbox.of(CATALOG); // Jackson 3 or 2, whichever is there; neither: bytes and text work
        for (JdbcOutbox outbox :
                List.of(found, three(CATALOG, JsonMapper.shared()), two(CATALOG, new ObjectMapper()))) {
            Shop.commit(
                    database, connection -> outbox.write(connection, "order.placed", "42", new Order("42", "tea", 3)));
        }
        assertThat(Shop.number(database, "select count(*) from \"orders_outbox\""))
                .isEqualTo(3);
        assertThat(Shop.number(database, "select count(distinct payload) from \"orders_outbox\""))
                .isEqualTo(1);
    }

    /** Not text, so in a column of bytes. */
    @Test
    void avroTravelsAsBytes() throws Exception {
        Schema schema = SchemaBuilder.record("Reservation")
                .fields()
                .requiredString("product")
                .requiredInt("amount")
                .endRecord();
        Catalog catalog = CATALOG.all(o -> o.layout(TableLayout.standard().binaryPayload(true)));
        DataSource database = Shop.database(catalog);
        JdbcOutbox outbox = JdbcOutbox.of(catalog).serializer(new Avro(schema));
        try (Inbox stock = Inbox.builder("stock", database)
                        .serializer(new Avro(schema))
                        .on("order.placed", GenericRecord.class, (record, context) -> {
                            assertThat(context.headers()).containsEntry("content-type", "avro/binary");
                            String product = record.get("product").toString();
                            reserve(context.connection(), new Order("42", product, (int) record.get("amount")));
                        })
                        .build();
                LocalBroker broker = LocalBroker.to(stock);
                Relay relay = Relay.builder(database, catalog, broker).build().start()) {
            GenericRecord reservation = new GenericData.Record(schema);
            reservation.put("product", "tea");
            reservation.put("amount", 3);
            Shop.commit(database, connection -> outbox.write(connection, "order.placed", "42", reservation));
            relay.wake("orders");
            awaitPublished(database, catalog);
        }
        assertThat(Shop.reserved(database)).isEqualTo(3);
    }

    private static void awaitPublished(DataSource database, Catalog catalog) {
        await().atMost(Shop.LONG)
                .untilAsserted(() ->
                        assertThat(Shop.counts(database, catalog, "orders")).containsEntry(Status.PUBLISHED, 1L));
    }

    @Test
    void bothSidesUseTheSameSerializer() throws Exception {
        DataSource database = Shop.database(CATALOG);
        JdbcOutbox outbox = JdbcOutbox.of(CATALOG).serializer(new Csv());
        try (Inbox stock = Inbox.builder("stock", database)
                        .serializer(new Csv())
                        .on("order.placed", Order.class, (order, context) -> {
                            assertThat(context.headers()).containsEntry("content-type", "text/csv");
                            reserve(context.connection(), order);
                        })
                        .build();
                LocalBroker broker = LocalBroker.to(stock);
                Relay relay = Relay.builder(database, CATALOG, broker).build().start()) {
            Shop.commit(
                    database, connection -> outbox.write(connection, "order.placed", "42", new Order("42", "tea", 3)));
            relay.wake("orders");
            awaitPublished(database, CATALOG);
        }
        assertThat(Shop.reserved(database)).isEqualTo(3);
    }
}
