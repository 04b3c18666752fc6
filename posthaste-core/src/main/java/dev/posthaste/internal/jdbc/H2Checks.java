package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.util.List;

/** What is checked on H2. */
final class H2Checks extends DatabaseChecks {
    @Override
    List<String> durabilityWarnings(Connection connection) {
        return List.of("H2 is for tests: nothing is promised after its process was killed or the power failed");
    }

    @Override
    List<String> equalTexts(Connection connection, ColumnChecks.Facts column) {
        return column.type().equalsIgnoreCase("VARCHAR_IGNORECASE") ? List.of("'K' and 'k'") : List.of();
    }

    @Override
    void checkTimes(Connection connection, String zone, ColumnChecks.Facts column, DatabaseSchema.Findings findings) {
        if (column.type().equals("timestamp")) {
            findings.faults().add(column + " stores no time zone" + WRONG_TIMES + "Make it a timestamp with time zone");
        }
    }

    @Override
    String byteCollation(Connection connection) {
        return "a type other than varchar_ignorecase";
    }
}
