package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.servers.Programs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.JavascriptExecutor;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;

/** The console in a real browser, on a daemon with PostgreSQL and RabbitMQ. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ConsoleTest {
    /** Screenshots for people to look at; the last run's are kept here. */
    private static final Path SHOTS = Path.of("target/console");

    private static final String HOSTILE =
            "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>";
    private static TestSite site;
    private static ChromeDriver browser;

    @BeforeAll
    static void open() throws Exception {
        Programs.require(Path.of("/usr/bin/chromedriver"));
        site = TestSite.start("");
        ChromeOptions options = new ChromeOptions();
        options.setBinary("/usr/bin/chromium");
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--window-size=1280,900",
                "--force-color-profile=srgb",
                "--lang=en-US");
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, java.util.logging.Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(Path.of("/usr/bin/chromedriver").toFile())
                .usingAnyFreePort()
                .build();
        browser = new ChromeDriver(service, options);
        Files.createDirectories(SHOTS);
    }

    @AfterAll
    static void close() throws Exception {
        if (browser != null) {
            browser.quit();
        }
        site.close();
    }

    // --- Helpers -----------------------------------------------------------------------------------------------------

    private static void go(String page) {
        browser.get(site.address() + "#/" + page);
    }

    private static WebElement find(String css) {
        return until(
                css,
                driver -> driver.findElements(By.cssSelector(css)).stream()
                        .findFirst()
                        .orElse(null));
    }

    private static <T> T until(String what, java.util.function.Function<org.openqa.selenium.WebDriver, T> condition) {
        return new WebDriverWait(browser, Duration.ofSeconds(20))
                .ignoring(org.openqa.selenium.StaleElementReferenceException.class)
                .withMessage(what)
                .until(condition::apply);
    }

    private static void untilText(String css, String text) {
        until(
                css + " says " + text,
                driver -> driver.findElements(By.cssSelector(css)).stream()
                        .anyMatch(each -> each.getText().contains(text)));
    }

    private static WebElement button(String within, String name) {
        return until(
                "button " + name,
                driver -> driver.findElements(By.cssSelector(within + " button, " + within + " a.button")).stream()
                        .filter(each -> each.getText().equals(name) && each.isDisplayed())
                        .findFirst()
                        .orElse(null));
    }

    private static void confirm(String reason, String name) {
        find("dialog textarea").sendKeys(reason);
        button("dialog", name).click();
        until(
                "the dialog is gone",
                driver -> driver.findElements(By.cssSelector("dialog")).isEmpty());
    }

    private static void shoot(String name) throws Exception {
        Files.write(SHOTS.resolve(name + ".png"), browser.getScreenshotAs(OutputType.BYTES));
    }

    private static @Nullable Object script(String script) {
        return ((JavascriptExecutor) browser).executeScript(script);
    }

    /** Requires that the browser has logged nothing: no refused script or style, and no error. */
    private static void assertQuiet() {
        List<String> complaints = browser.manage().logs().get(LogType.BROWSER).getAll().stream()
                .map(LogEntry::getMessage)
                .toList();
        assertThat(complaints).isEmpty();
    }

    private static Event order(int i) {
        return Event.of(
                        "order.placed",
                        "customer-" + i % 7,
                        "{\"order\":" + i + ",\"lines\":[{\"article\":\"A-" + i + "\",\"count\":2}]}")
                .header("tenant", "acme");
    }

    /** An event for an exchange that does not exist, so the broker refuses it until it is dead. */
    private static Event refused(int i) {
        return Event.of("order.refused", "customer-" + i, "{\"order\":" + i + "}")
                .destination("no-such-exchange");
    }

    // --- What operators do -------------------------------------------------------------------------------------------

    @Test
    @Order(1)
    void eventsAreSeenToMove() throws Exception {
        go("overview");
        find("section[data-outbox=orders]");
        for (int batch = 0; batch < 6; batch++) {
            int from = batch * 40;
            site.write(IntStream.range(from, from + 40)
                    .mapToObj(ConsoleTest::order)
                    .toArray(Event[]::new));
            Thread.sleep(500);
        }
        untilText("section[data-outbox=orders] [data-status=published] b", "240");
        untilText("section[data-outbox=orders] .words", "All is well");
        untilText("section[data-outbox=orders] .facts", "relayed by here");
        assertThat(find("section[data-outbox=orders] .chart canvas").isDisplayed())
                .isTrue();
        shoot("overview");
        assertQuiet();
    }

    @Test
    @Order(2)
    void eventsAreFilteredAndOpened() throws Exception {
        go("events?outbox=orders");
        untilText("#results td[data-name=Position]", "240");
        find("input[name=key]").sendKeys("customer-3", Keys.ENTER);
        until(
                "only that key",
                driver -> driver.findElements(By.cssSelector("#results td[data-name=Key]")).stream()
                                .allMatch(each -> each.getText().equals("customer-3"))
                        && !driver.findElements(By.cssSelector("#results td[data-name=Key]"))
                                .isEmpty());
        assertThat(browser.getCurrentUrl()).contains("key=customer-3");
        shoot("events");
        find("#results tr.row").sendKeys(Keys.ENTER);
        untilText("#payload", "\"article\": \"A-");
        untilText("#headers", "acme");
        untilText("dd", "customer-3");
        shoot("event");
        assertQuiet();
    }

    @Test
    @Order(3)
    void aGroupOfDeadEventsIsRequeuedAndOneDiscarded() throws Exception {
        site.write(IntStream.range(0, 12).mapToObj(ConsoleTest::refused).toArray(Event[]::new));
        TestSite.until("they are dead", () -> site.count("dead") == 12);
        go("dead?outbox=orders");
        untilText("#groups td[data-name=Events]", "12");
        shoot("dead-letters");
        button("#groups", "Requeue").click();
        shoot("why");
        confirm("the exchange is there now", "Requeue");
        TestSite.until(
                "they were tried again and are dead again",
                () -> site.count("dead") == 12
                        && site.database.count("select count(*) from posthaste_audit where action = 'requeue'"
                                        + " and event_row > 0")
                                == 12);
        go("overview");
        go("dead?outbox=orders");
        find("#results tr.row").click();
        untilText("h1", "dead");
        untilText(".card dd", "no-such-exchange");
        button("main", "Discard").click();
        confirm("a test order", "Discard");
        TestSite.until("it is gone", () -> site.count("dead") == 11);
        untilText("#groups td[data-name=Events]", "11");
        assertQuiet();
    }

    @Test
    @Order(4)
    void anOutboxIsPausedAndResumed() throws Exception {
        go("overview");
        button("section[data-outbox=orders]", "Pause").click();
        confirm("the broker is being upgraded", "Pause");
        untilText("section[data-outbox=orders] .words", "Paused by local");
        TestSite.until(
                "the relay gives up the outbox",
                () -> site.database.count("select count(*) from posthaste_lease where outbox = 'orders' and owner = ''")
                        == 1);
        site.write(order(1000), order(1001));
        untilText("section[data-outbox=orders] [data-status=pending] b", "2");
        shoot("paused");
        button("section[data-outbox=orders]", "Resume").click();
        confirm("done", "Resume");
        untilText("section[data-outbox=orders] [data-status=pending] b", "0");
        assertQuiet();
    }

    @Test
    @Order(5)
    void aReplayIsTriedDryAndThenRun() throws Exception {
        go("replay?outbox=orders");
        find("form.filters input[name=key]").sendKeys("customer-3");
        button("form.filters", "Dry run").click();
        untilText("#preview h2", "34 events would be sent");
        shoot("replay");
        button("#preview", "Replay").click();
        confirm("the stock service lost its database", "Replay");
        untilText("#replays td[data-name=State]", "finished");
        untilText("#replays td[data-name=Sent]", "34");
        go("audit");
        untilText("#results td[data-name=Why]", "the stock service lost its database");
        shoot("audit");
        assertQuiet();
    }

    @Test
    @Order(6)
    void H44_hostileContentStaysTextInEveryColumn() throws Exception {
        site.write(
                Event.of("order.refused", HOSTILE.substring(0, 60), "{\"a\":\"" + HOSTILE.replace("\"", "\\\"") + "\"}")
                        .id(HOSTILE.substring(0, 64))
                        .destination("no-such-exchange")
                        .header("x", HOSTILE));
        TestSite.until("it is dead", () -> site.count("dead") == 12);
        site.database.execute("update orders_outbox set event_type = '" + HOSTILE.replace("'", "''")
                + "', last_error = '"
                + HOSTILE.replace("'", "''") + "', destination = '" + HOSTILE.replace("'", "''") + "', routing_key = '"
                + HOSTILE.replace("'", "''") + "' where event_id like '<img%'");
        String id = site.database
                .query("select id from orders_outbox where event_id like '<img%'")
                .get(0);
        go("overview");
        go("events?outbox=orders&status=dead");
        untilText("#results td[data-name=Type]", "<script>");
        untilText("#results td[data-name=Error]", "onerror");
        shoot("hostile-list");
        go("dead?outbox=orders");
        untilText("#groups td[data-name=Error]", "<script>");
        button("#groups tr:has(td[data-name=Type]) ", "Requeue");
        go("event?outbox=orders&id=" + id);
        untilText("#payload", "<script>");
        untilText("#headers", "onerror");
        button("main", "Requeue").click();
        confirm(HOSTILE, "Requeue");
        go("audit?outbox=orders");
        untilText("#results td[data-name=Why]", "<script>");
        shoot("hostile-audit");
        assertThat(browser.getTitle()).startsWith("Posthaste");
        assertThat((Long) script("return document.querySelectorAll('main img, main script').length"))
                .isZero();
        assertQuiet();
    }

    @Test
    @Order(7)
    void itWorksByKeyboardOnAPhoneAndInTheDark() throws Exception {
        go("overview");
        find("section[data-outbox=orders]");
        find("body").sendKeys("2");
        untilText("h1", "Events");
        find("#results tr.row");
        find("body").sendKeys("j");
        browser.switchTo().activeElement().sendKeys(Keys.ENTER);
        find("#payload");
        find("body").sendKeys("2");
        find("#results tr.row");
        find("body").sendKeys("/");
        assertThat(browser.switchTo().activeElement().getTagName()).isIn("input", "select");
        browser.manage().window().setSize(new Dimension(500, 900));
        go("overview");
        find("section[data-outbox=orders]");
        assertThat((Boolean) script("return document.documentElement.scrollWidth <= window.innerWidth"))
                .isTrue();
        shoot("phone-overview");
        go("events?outbox=orders");
        find("#results tr.row");
        assertThat((Boolean) script("return document.documentElement.scrollWidth <= window.innerWidth"))
                .isTrue();
        shoot("phone-events");
        browser.manage().window().setSize(new Dimension(1280, 900));
        button(".who", "◐").click();
        go("overview");
        find("section[data-outbox=orders] canvas");
        assertThat(script("return getComputedStyle(document.body).backgroundColor"))
                .isEqualTo("rgb(22, 22, 20)");
        shoot("dark");
        assertQuiet();
    }

    @Test
    @Order(8)
    void peopleLogInAndSeeWhatTheirRoleSees() throws Exception {
        String password = "correct horse battery";
        try (TestSite guarded = TestSite.start("users: [{name: vic, password-hash: \"%s\", role: viewer}]"
                .formatted(Passwords.hash(password.toCharArray())))) {
            guarded.write(order(1));
            TestSite.until("it is published", () -> guarded.count("published") == 1);
            browser.get(guarded.address());
            find("input[name=name]").sendKeys("vic");
            find("input[name=password]").sendKeys("wrong", Keys.ENTER);
            untilText("[role=alert]", "Wrong name or password");
            shoot("login");
            find("input[name=password]").sendKeys(password, Keys.ENTER);
            untilText("section[data-outbox=orders] .words", "All is well");
            untilText(".who", "vic · viewer");
            assertThat(browser.findElements(By.cssSelector("section[data-outbox=orders] button")))
                    .as("a viewer cannot pause anything")
                    .isEmpty();
            browser.get(guarded.address() + "#/event?outbox=orders&id=1");
            untilText("main", "Your role may not see payloads");
            assertThat(browser.getPageSource()).doesNotContain("A-1");
            assertThat((String) script("return document.cookie"))
                    .as("what scripts can read")
                    .isEmpty();
            button(".who", "Log out").click();
            find("input[name=password]");
            browser.get(guarded.address() + "#/events?outbox=orders");
            browser.navigate().refresh();
            find("input[name=password]");
        }
        browser.manage().logs().get(LogType.BROWSER); // 401 is an error to the browser's own log
    }
}
