package dev.posthaste.house;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import dev.posthaste.PosthasteException;
import dev.posthaste.admin.Admin;
import dev.posthaste.testkit.PosthasteTester;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The rules between packages: dependencies point down, and each concern has one package. */
class ArchitectureTest {
    private static final String ROOT = "dev.posthaste";
    /** The packages of posthaste-core. */
    private static final String[] CORE = {
        ROOT, in("inbox"), in("broker"), in("format"), in("admin"), in("internal"), in("jackson"), in("opentelemetry")
    };

    private static final Pattern ROOM = Pattern.compile("dev\\.posthaste\\.((internal\\.)?\\w+).*");

    /** The packages below the root, those below {@code internal} each by itself. */
    private static final SliceAssignment ROOMS = new SliceAssignment() {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass each) {
            Matcher room = ROOM.matcher(each.getPackageName());
            return room.matches() ? SliceIdentifier.of(room.group(1)) : SliceIdentifier.ignore();
        }

        @Override
        public String getDescription() {
            return "packages of Posthaste";
        }
    };

    private static JavaClasses all;

    @BeforeAll
    static void read() {
        all = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages(ROOT);
        assertThat(all.size()).as("classes that the rules examine").isGreaterThan(80);
    }

    private static String in(String name) {
        return ROOT + "." + name + "..";
    }

    /**
     * The root is the library's face: it may depend on any package, and any may depend on it. {@code Admin.of} may
     * depend on the class that it opens, although that class implements what operators see.
     */
    @Test
    void packagesDoNotGoRoundInCircles() {
        slices().assignedFrom(ROOMS)
                .should()
                .beFreeOfCycles()
                .ignoreDependency(
                        JavaClass.Predicates.type(Admin.class), JavaClass.Predicates.resideInAnyPackage(in("internal")))
                .check(all);
        slices().matching(ROOT + ".server.(*)..").should().beFreeOfCycles().check(all);
    }

    @Test
    void theServerIsOnTopOfEverythingAndNothingKnowsIt() {
        assertThat(all.containPackage(ROOT + ".server.http")).isTrue();
        noClasses()
                .that()
                .resideOutsideOfPackage(in("server"))
                .should()
                .dependOnClassesThat()
                .resideInAPackage(in("server"))
                .check(all);
        noClasses()
                .that()
                .resideInAPackage(in("server"))
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.sql.PreparedStatement")
                .check(all);
    }

    @Test
    void theCoreKnowsNoRelayAndNoBrokersClient() {
        noClasses()
                .that()
                .resideInAnyPackage(CORE)
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
                .resideInAnyPackage(CORE)
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "java..",
                        "javax.sql..",
                        ROOT + "..",
                        "org.slf4j..",
                        "tools.jackson..",
                        "com.fasterxml.jackson..",
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
                .resideInAnyPackage(in("relay"), in("internal.store"), in("internal.jdbc"), "java.sql..")
                .check(all);
    }

    @Test
    void whatIsAboveTheStoreDoesNotKnowHowItKeepsEvents() {
        noClasses()
                .that()
                .resideInAPackage(in("internal.store"))
                .and()
                .doNotHaveSimpleName("TransactionalStore") // an application's transaction is a connection
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(in("internal.jdbc"), in("broker"), in("inbox"), "java.sql..")
                .check(all);
        noClasses()
                .that()
                .resideInAPackage(in("relay"))
                .and()
                .haveNameNotMatching(
                        ".*\\.(Relay|Relay\\$Builder|ReceiptProcessor|Leases|Balance)") // the first three open stores
                .should()
                .dependOnClassesThat()
                .resideInAPackage(in("internal.jdbc"))
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
                        in("internal.store"),
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
                .doNotHaveSimpleName("ReceiptProcessor")
                .and()
                .doNotHaveSimpleName("ReplayRun")
                .should()
                .callConstructorWhere(DescribedPredicate.describe(
                        "creates a thread", call -> call.getTargetOwner().isAssignableTo(Thread.class)))
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

    /** A missing optional library does not affect code that uses or inspects the other classes. */
    @Test
    void optionalLibrariesAreNamedByTheirAdaptersAlone() {
        namedOnlyBy("tools.jackson..", ".*\\.(JacksonSerializer|Jackson3Json(\\$.*)?|FoundSerializer\\$Three)");
        namedOnlyBy("com.fasterxml.jackson..", ".*\\.(Jackson2Serializer|Jackson2Json(\\$.*)?|FoundSerializer\\$Two)");
        namedOnlyBy("io.micrometer..", ".*\\.(InboxMeters|RelayMeters)(\\$.*)?");
        namedOnlyBy("io.opentelemetry..", ".*\\.(OpenTelemetryTracing(\\$.*)?|FoundTracing\\$Found)");
    }

    /** The daemon is exempt: it is an application, and brings its libraries. */
    private static void namedOnlyBy(String library, String adapters) {
        noClasses()
                .that()
                .resideOutsideOfPackage(in("server"))
                .and()
                .haveNameNotMatching(adapters)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(library)
                .check(all);
        assertThat(all.stream().filter(each -> each.getName().matches(adapters)))
                .as("adapters of " + library)
                .isNotEmpty();
    }

    /** Mocks and frameworks ask a class for its methods, which fails if one of them names a missing class. */
    @Test
    void noPublicSignatureNamesAnOptionalLibrary() {
        noClasses()
                .that(arePublic())
                .should(nameInASignature(
                        Pattern.compile("(tools\\.jackson|com\\.fasterxml|io\\.micrometer|io\\.opentelemetry)\\..*")))
                .check(all);
    }

    /** Internal types may change in any version, so using the API must never require one. */
    @Test
    void noPublicSignatureOfTheApiNamesWhatIsInternal() {
        noClasses().that(areOfTheApi()).should(nameInASignature(INTERNAL)).check(all);
    }

    /** What is open to subclasses is so on purpose: these, abstract classes, and interfaces. */
    @Test
    void classesOfTheApiAreFinal() {
        classes()
                .that(areOfTheApi())
                .and()
                .areNotInterfaces()
                .and()
                .areNotEnums()
                .and()
                .doNotHaveModifier(JavaModifier.ABSTRACT)
                .and()
                .doNotBelongToAnyOf(PosthasteException.class, PosthasteTester.class)
                .should()
                .haveModifier(JavaModifier.FINAL)
                .check(all);
    }

    private static final Pattern INTERNAL = Pattern.compile("dev\\.posthaste\\.(\\w+\\.)?internal\\..*");

    private static DescribedPredicate<JavaClass> areOfTheApi() {
        return DescribedPredicate.describe(
                "are published",
                each -> isPublic(each)
                        && !INTERNAL.matcher(each.getName()).matches()
                        && !each.getPackageName()
                                .matches(
                                        "dev\\.posthaste\\.(server|benchmarks|reliability|fuzz|servers|examples)\\b.*"));
    }

    private static boolean isPublic(JavaClass each) {
        return each.getModifiers().contains(JavaModifier.PUBLIC)
                && each.getEnclosingClass().map(ArchitectureTest::isPublic).orElse(true);
    }

    private static DescribedPredicate<JavaClass> arePublic() {
        Set<String> adapters =
                Set.of("JacksonSerializer", "Jackson2Serializer", "OpenTelemetryTracing", "InboxMeters", "RelayMeters");
        return DescribedPredicate.describe(
                "are published and not adapters",
                each -> each.getModifiers().contains(JavaModifier.PUBLIC)
                        && !each.getPackageName().startsWith(ROOT + ".server")
                        && !adapters.contains(each.getSimpleName()));
    }

    private static ArchCondition<JavaClass> nameInASignature(Pattern names) {
        return new ArchCondition<>("name " + names + " in a signature") {
            @Override
            public void check(JavaClass each, ConditionEvents events) {
                Stream<JavaType> supertypes =
                        Stream.concat(each.getInterfaces().stream(), each.getSuperclass().stream());
                Stream<JavaType> fields = each.getFields().stream()
                        .filter(ArchitectureTest::isOpen)
                        .map(JavaField::getType);
                Stream<JavaType> calls = Stream.concat(each.getAllMethods().stream(), each.getConstructors().stream())
                        .map(JavaCodeUnit.class::cast)
                        .filter(ArchitectureTest::isOpen)
                        .flatMap(ArchitectureTest::types);
                Stream.of(supertypes, fields, calls)
                        .flatMap(types -> types)
                        .flatMap(type -> type.getAllInvolvedRawTypes().stream())
                        .map(JavaClass::getName)
                        .filter(name -> names.matcher(name).matches())
                        .forEach(name ->
                                events.add(SimpleConditionEvent.satisfied(each, each.getName() + " names " + name)));
            }
        };
    }

    private static Stream<JavaType> types(JavaCodeUnit unit) {
        return Stream.of(
                        Stream.of(unit.getReturnType()),
                        unit.getParameterTypes().stream(),
                        unit.getThrowsClause().getTypes().stream())
                .flatMap(types -> types);
    }

    private static boolean isOpen(JavaMember member) {
        return member.getModifiers().contains(JavaModifier.PUBLIC)
                || member.getModifiers().contains(JavaModifier.PROTECTED);
    }
}
