package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** Lists of ids in statements: one parameter where the database accepts arrays, and otherwise numbers in the text. */
final class IdLists {
    private static final int MAX_LIST = 500;

    private IdLists() {}

    /** Prepares {@code template}, whose {@code %s} is the comparison of the id with the list, its only parameter. */
    static PreparedStatement prepare(Dialect dialect, Connection connection, String template, Collection<Long> ids)
            throws SQLException {
        if (dialect.bindsArrays()) {
            PreparedStatement statement = connection.prepareStatement(template.replace("%s", "= any(?)"));
            statement.setArray(1, connection.createArrayOf("bigint", ids.toArray()));
            return statement;
        }
        int end = template.indexOf(" %s");
        int start = template.lastIndexOf(' ', end - 1) + 1;
        return connection.prepareStatement(template.substring(0, start)
                + inLists(template.substring(start, end), List.copyOf(ids))
                + template.substring(end + 3));
    }

    /** In short lists: MariaDB turns a list of a thousand into a join, and then reads the whole table. */
    private static String inLists(String id, List<Long> ids) {
        List<String> lists = new ArrayList<>();
        for (int from = 0; from < ids.size(); from += MAX_LIST) {
            lists.add(ids.subList(from, Math.min(from + MAX_LIST, ids.size())).stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(",", id + " in (", ")")));
        }
        return "(" + String.join(" or ", lists) + ")";
    }
}
