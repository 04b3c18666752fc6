package dev.posthaste.testkit;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A new database for each test, but the same objects, so that they can be used in fields. */
class PosthasteExtensionTest {
    @RegisterExtension
    static final PosthasteExtension posthaste = PosthasteExtension.h2(
                    Catalog.empty().outbox("orders", o -> o.types("order.placed")))
            .sql("create table stock (product varchar(20)); create table prices (product varchar(20))");

    private final DataSource database = posthaste.dataSource();

    @RepeatedTest(2)
    void eachTestHasADatabaseOfItsOwn() throws Exception {
        assertThat(posthaste).wroteNothing();
        assertThat(posthaste.broker().messages()).isEmpty();
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("insert into stock select 'tea' where not exists (select * from stock)"))
                    .isEqualTo(1);
            connection.setAutoCommit(false);
            posthaste.outbox().write(connection, "order.placed", "1", "{}");
            connection.commit();
        }
        posthaste.deliverAll();
        assertThat(posthaste.broker().messages()).hasSize(1);
    }

    @Test
    void whatADriverThrowsComesAsItIs() throws Exception {
        try (Connection connection = database.getConnection()) {
            assertThatThrownBy(() -> connection.prepareStatement("nonsense")).isInstanceOf(SQLException.class);
        }
    }

    @Test
    void thereIsNoDatabaseOutsideOfATest() {
        DataSource none = PosthasteExtension.h2(Catalog.empty()).dataSource();
        assertThatThrownBy(none::getConnection)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("while a test runs");
    }
}
