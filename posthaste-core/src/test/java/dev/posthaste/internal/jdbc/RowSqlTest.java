package dev.posthaste.internal.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.TableLayout;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RowSqlTest {
    private static final OutboxDefinition OUTBOX = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders"))
            .types("order.placed");
    private static final TableLayout EXISTING = TableLayout.mapped(EventTable.text(Map.ofEntries(
            Map.entry("table", "shop.messages"),
            Map.entry("column.id", "no"),
            Map.entry("column.type", "kind"),
            Map.entry("column.payload", "body"),
            Map.entry("column.status", "state"),
            Map.entry("column.attempts", "tries"),
            Map.entry("column.next-attempt-at", "retry_at"),
            Map.entry("status.pending", "0"),
            Map.entry("status.published", "1"),
            Map.entry("status.dead", "2"))));

    private static final RowSql STANDARD = new RowSql(Dialect.MYSQL, OUTBOX);
    private static final RowSql MAPPED =
            new RowSql(Dialect.MYSQL, OUTBOX.table("shop.messages").layout(EXISTING));

    @Test
    void columnsAndCodesAreThoseOfTheTable() {
        String template = "update {table} set {attempts} = ? where {status} = {pending} and {id} = ?";
        assertThat(STANDARD.text(template))
                .isEqualTo("update `orders` set attempts = ? where status = 'pending' and id = ?");
        assertThat(MAPPED.text(template))
                .isEqualTo("update `shop`.`messages` set `tries` = ? where `state` = 0 and `no` = ?");
    }

    @Test
    void whatTheTableLacksIsLeftOut() {
        String template = "select {id}[, {key}][, {since:published-at|updated-at} as age] from {table}";
        assertThat(STANDARD.text(template)).contains("id, event_key, case when published_at is not null then");
        assertThat(MAPPED.text(template)).isEqualTo("select `no` from `shop`.`messages`");
    }

    @Test
    void statusesThatTheTableHasNoCodeForAreLeftOut() {
        String template = "{status in published, consumed}";
        assertThat(STANDARD.text(template)).isEqualTo("status in ('published', 'consumed')");
        assertThat(MAPPED.text(template)).isEqualTo("`state` = 1");
    }

    @Test
    void aStatementIsOneLineAndIsMadeOnce() {
        String template = """
                select {id}
                from {table:pending}
                where {status} = {pending} {skipLocked}
                """;
        String text = STANDARD.text(template);
        assertThat(text)
                .isEqualTo("select id from `orders` force index (`orders_pending`) where status = 'pending'"
                        + " for update skip locked")
                .isSameAs(STANDARD.text(template));
    }

    @Test
    void whatIsNoPlaceholderIsRefused() {
        assertThatIllegalStateException()
                .isThrownBy(() -> STANDARD.text("select {ids} from {table}"))
                .withMessage("Unknown placeholder {ids} in a statement");
    }
}
