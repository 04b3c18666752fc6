package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The index that finds an outbox's rows by their ids, where a statement must name it. In Posthaste's own tables it is
 * the primary key; for any other table, the database is asked once. Thread-safe.
 */
final class IdIndex {
    private final Dialect dialect;
    private final EventTable layout;
    private volatile @Nullable String hint;

    IdIndex(Dialect dialect, EventTable layout) {
        this.dialect = dialect;
        this.layout = layout;
        this.hint = !dialect.hintsIdIndex()
                ? ""
                : layout.isStandard() || dialect.idIsRowNumber() ? dialect.primaryKeyHint() : null;
    }

    /** {@code sql} with the hint in place of {@link RowSql#BY_ID}. */
    String apply(Connection connection, String sql) throws SQLException {
        String known = hint;
        if (known == null) {
            known = lookUp(connection);
            hint = known;
        }
        return sql.replace(RowSql.BY_ID, known);
    }

    private String lookUp(Connection connection) throws SQLException {
        int dot = layout.table().indexOf('.');
        try (PreparedStatement statement = connection.prepareStatement("""
                select index_name from information_schema.statistics
                where table_schema = coalesce(?, database()) and table_name = ? and column_name = ? and seq_in_index = 1
                order by index_name = 'PRIMARY' desc, non_unique, index_name limit 1
                """)) {
            statement.setString(1, dot < 0 ? null : layout.table().substring(0, dot));
            statement.setString(2, layout.simpleName());
            statement.setString(3, layout.column(Column.ID));
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? "force index (" + dialect.quote(Objects.requireNonNull(row.getString(1))) + ")"
                        : "";
            }
        }
    }
}
