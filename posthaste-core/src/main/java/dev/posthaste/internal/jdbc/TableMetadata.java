package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What the driver knows about a table, {@code table} or {@code schema.table}. */
final class TableMetadata {
    private TableMetadata() {}

    /** Their names, in lower case; none if there is no such table. */
    static Set<String> columns(Connection connection, String table) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        Set<String> names = new TreeSet<>();
        for (String spelling : spellings(table)) {
            try (ResultSet rows = data.getColumns(
                    catalog(connection, table), schema(connection, table), pattern(data, spelling), null)) {
                while (rows.next()) {
                    names.add(rows.getString("COLUMN_NAME").toLowerCase(Locale.ROOT));
                }
            }
        }
        return names;
    }

    /** The indexes' names, each with its first column. */
    static Map<String, String> indexes(Connection connection, String table) throws SQLException {
        Map<String, String> names = new TreeMap<>();
        for (String spelling : spellings(table)) {
            try (ResultSet rows = connection
                    .getMetaData()
                    .getIndexInfo(catalog(connection, table), schema(connection, table), spelling, false, true)) {
                while (rows.next()) {
                    String index = rows.getString("INDEX_NAME");
                    if (index != null && rows.getInt("ORDINAL_POSITION") == 1) {
                        names.put(
                                index.toLowerCase(Locale.ROOT),
                                String.valueOf(rows.getString("COLUMN_NAME")).toLowerCase(Locale.ROOT));
                    }
                }
            }
        }
        return names;
    }

    /** H2 keeps unquoted names in capitals. */
    private static Set<String> spellings(String table) {
        String simple = simple(table);
        return new LinkedHashSet<>(List.of(simple, simple.toUpperCase(Locale.ROOT)));
    }

    /** MySQL and MariaDB call a schema a catalog. */
    private static @Nullable String catalog(Connection connection, String table) throws SQLException {
        return table.contains(".") && connection.getSchema() == null
                ? table.substring(0, table.indexOf('.'))
                : connection.getCatalog();
    }

    private static @Nullable String schema(Connection connection, String table) throws SQLException {
        String current = connection.getSchema();
        return table.contains(".") && current != null ? table.substring(0, table.indexOf('.')) : current;
    }

    /** The schema of a table by its name in {@code information_schema}, on every database. */
    static String place(Connection connection, String table) throws SQLException {
        String schema = schema(connection, table);
        return schema == null ? String.valueOf(catalog(connection, table)) : schema;
    }

    /** Whether two names mean one table. */
    static boolean isSame(Connection connection, String one, String other) throws SQLException {
        return simple(one).equalsIgnoreCase(simple(other))
                && place(connection, one).equalsIgnoreCase(place(connection, other));
    }

    private static String simple(String table) {
        return table.substring(table.indexOf('.') + 1);
    }

    private static String pattern(DatabaseMetaData data, String name) throws SQLException {
        return name.replace("_", data.getSearchStringEscape() + "_");
    }
}
