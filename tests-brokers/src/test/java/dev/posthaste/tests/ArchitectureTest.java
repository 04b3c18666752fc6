package dev.posthaste.tests;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The floors of the house: dependencies point down, and each thing is done in one room. */
class ArchitectureTest {
    private static final String ROOT = "dev.posthaste";
    private static JavaClasses all;

    @BeforeAll
    static void read() {
        all = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages(ROOT);
        assertThat(all.size()).as("classes that the rules look at").isGreaterThan(80);
    }

    private static String in(String name) {
        return ROOT + "." + name + "..";
    }

    @Test
    void theCoreKnowsNoRelayAndNoBrokersClient() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        ROOT, in("inbox"), in("broker"), in("journal"), in("format"), in("jdbc"), in("admin"))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        in("relay"), in("rabbitmq"), in("kafka"), in("testkit"), "com.rabbitmq..", "org.apache.kafka..")
                .check(all);
    }

    @Test
    void theCoreNeedsNoMoreLibrariesThanItSays() {
        classes()
                .that()
                .resideInAnyPackage(
                        ROOT, in("inbox"), in("broker"), in("journal"), in("format"), in("jdbc"), in("admin"))
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "java..",
                        "javax.sql..",
                        ROOT + "..",
                        "org.slf4j..",
                        "tools.jackson..",
                        "io.micrometer..",
                        "io.opentelemetry..",
                        "com.fasterxml.uuid..",
                        "org.jspecify..")
                .check(all);
    }

    @Test
    void brokersDoNotKnowRelaysOrDatabases() {
        noClasses()
                .that()
                .resideInAnyPackage(in("rabbitmq"), in("kafka"))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(in("relay"), in("journal"), in("jdbc"), "java.sql..")
                .check(all);
    }

    @Test
    void whatAboveTheJournalDoesNotKnowIsHowItKeepsEvents() {
        noClasses()
                .that()
                .resideInAPackage(in("journal"))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(in("jdbc"), in("broker"), in("inbox"), "java.sql..")
                .check(all);
        noClasses()
                .that()
                .resideInAPackage(in("relay"))
                .and()
                .haveNameNotMatching(".*\\.(Relay|Relay\\$Builder|Leases|Balance)")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(in("jdbc"))
                .check(all);
    }

    @Test
    void allSqlIsInOneRoom() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        ROOT,
                        in("inbox"),
                        in("broker"),
                        in("journal"),
                        in("format"),
                        in("admin"),
                        in("relay"),
                        in("rabbitmq"),
                        in("kafka"))
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.sql.PreparedStatement")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.sql.Statement")
                .check(all);
    }

    @Test
    void theRelayIsTheOnlyOwnerOfItsThreads() {
        noClasses()
                .that()
                .resideInAPackage(in("relay"))
                .and()
                .haveSimpleNameNotStartingWith("Relay")
                .and()
                .doNotHaveSimpleName("ReceiptIntake")
                .should()
                .callConstructor(Thread.class, Runnable.class, String.class)
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.concurrent.Executors")
                .check(all);
    }

    @Test
    void noWallClockDecidesAnythingInTheRelay() {
        noClasses()
                .that()
                .resideInAPackage(in("relay"))
                .should()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .dependOnClassesThat()
                .resideInAPackage("java.time.chrono..")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.time.Instant")
                .check(all);
    }
}
