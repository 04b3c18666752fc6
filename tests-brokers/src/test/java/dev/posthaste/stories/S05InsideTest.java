package dev.posthaste.stories;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Status;
import dev.posthaste.stories.Shop.Order;
import jakarta.persistence.Entity;
import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.hibernate.Session;
import org.hibernate.cfg.JdbcSettings;
import org.hibernate.jpa.HibernatePersistenceConfiguration;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Inside jOOQ, Hibernate and plain JDBC, without Spring: the transaction is a parameter. */
class S05InsideTest {
    private static final Catalog CATALOG = Catalog.empty().outbox("orders", o -> o.types("order.placed"));

    private final JdbcOutbox outbox = JdbcOutbox.of(CATALOG);
    private DataSource database;

    /** An order as Hibernate wants it. */
    @Entity
    @Table(name = "orders")
    static class OrderEntity {
        @Id
        public String id;

        public String product;
        public int amount;

        OrderEntity() {}

        OrderEntity(Order order) {
            id = order.id();
            product = order.product();
            amount = order.amount();
        }
    }

    void jooq(DSLContext dsl, JdbcOutbox outbox, Order order) {
        dsl.transaction(tx -> {
            tx.dsl().execute("insert into orders (id) values (?)", order.id());
            tx.dsl().connection(connection -> outbox.write(connection, "order.placed", order.id(), order));
        });
    }

    void hibernate(EntityManager em, JdbcOutbox outbox, OrderEntity order) {
        em.persist(order);
        em.flush(); // locks the row before the event gets its position
        em.unwrap(Session.class).doWork(c -> outbox.write(c, "order.placed", order.id, order));
    }

    void jdbc(Connection connection, JdbcOutbox outbox, List<Order> orders) throws SQLException {
        outbox.write(
                connection,
                orders.stream().map(o -> Event.of("order.placed", o.id(), o)).toList()); // one batch
    }

    @BeforeEach
    void open() throws SQLException {
        database = Shop.database(CATALOG);
    }

    private void assertOrdersAndEvents(int number) throws SQLException {
        assertThat(Shop.number(database, "select count(*) from orders")).isEqualTo(number);
        assertThat(Shop.counts(database, CATALOG, "orders").getOrDefault(Status.PENDING, 0L))
                .isEqualTo(number);
    }

    @Test
    void jooqCommitsBothOrNeither() throws Exception {
        DSLContext dsl = DSL.using(database, SQLDialect.H2);
        assertThatThrownBy(() -> dsl.transaction(tx -> {
                    jooq(tx.dsl(), outbox, new Order("41", "tea", 3));
                    throw new IllegalStateException("too late");
                }))
                .hasMessage("too late");
        assertOrdersAndEvents(0);
        jooq(dsl, outbox, new Order("42", "tea", 3));
        assertOrdersAndEvents(1);
    }

    @Test
    void hibernateCommitsBothOrNeither() throws Exception {
        HibernatePersistenceConfiguration shop = new HibernatePersistenceConfiguration("shop")
                .managedClasses(OrderEntity.class)
                .property(JdbcSettings.JAKARTA_NON_JTA_DATASOURCE, database);
        try (EntityManagerFactory factory = shop.createEntityManagerFactory()) {
            assertThatThrownBy(() -> factory.runInTransaction(em -> {
                        hibernate(em, outbox, new OrderEntity(new Order("41", "tea", 3)));
                        throw new IllegalStateException("too late");
                    }))
                    .hasMessage("too late");
            assertOrdersAndEvents(0);
            factory.runInTransaction(em -> hibernate(em, outbox, new OrderEntity(new Order("42", "tea", 3))));
        }
        assertOrdersAndEvents(1);
        assertThat(Shop.number(database, "select amount from orders where id = '42'"))
                .isEqualTo(3);
    }

    @Test
    void aBatchIsWrittenInTheCallersTransaction() throws Exception {
        List<Order> orders = List.of(new Order("42", "tea", 3), new Order("43", "coffee", 1));
        Shop.commit(database, connection -> {
            for (Order order : orders) {
                Shop.insert(connection, order);
            }
            jdbc(connection, outbox, orders);
        });
        assertOrdersAndEvents(2);
    }
}
