package dev.posthaste.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {
    @TempDir
    Path directory;

    @Test
    @Timeout(60)
    void eachRunPlacesAnOrderWhichReservesStockOnce() throws Exception {
        String file = directory.resolve("shop.db").toString();
        Quickstart.main(file);
        Quickstart.main(file);

        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file)) {
            assertThat(rows(connection, "select product || ' ' || amount from reservations"))
                    .containsExactly("tea 3", "tea 3");
            assertThat(rows(connection, "select status from orders_outbox")).containsExactly("published", "published");
            assertThat(rows(connection, "select event_key from orders_outbox order by id"))
                    .isEqualTo(rows(connection, "select id from orders order by rowid"));
        }
    }

    /** {@code ./posthaste quickstart --help} prints the file, without a build and without a database. */
    @Test
    @Timeout(60)
    void helpIsPrintedAndNoFileIsMade() throws Exception {
        Path output = Files.createFile(directory.resolve("output"));
        for (String option : List.of("--help", "-h")) {
            Process launcher = new ProcessBuilder(
                            "bash", Path.of("../../posthaste").toAbsolutePath().toString(), "quickstart", option)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            assertThat(launcher.waitFor()).isZero();
            assertThat(output).hasSameTextualContentAs(Path.of("help.txt"));
        }
        assertThat(directory).isDirectoryNotContaining(file -> !file.equals(output));
    }

    private static List<String> rows(Connection connection, String sql) throws Exception {
        List<String> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            while (result.next()) {
                rows.add(result.getString(1));
            }
        }
        return rows;
    }
}
