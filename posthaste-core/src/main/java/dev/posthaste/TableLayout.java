package dev.posthaste;

import dev.posthaste.internal.jdbc.EventTable;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * What an outbox's table looks like; its name is the definition's ({@link OutboxDefinition#table(String)}), so that one layout
 * serves many tables. The {@link #standard} one, whose scripts are in the jar, Debezium's, or one that exists already and
 * belongs to other programs too, which {@link #mapped} takes. Immutable.
 */
@CheckReturnValue
public final class TableLayout {
    private static final TableLayout STANDARD = new TableLayout(EventTable.standard());
    private static final TableLayout DEBEZIUM = new TableLayout(EventTable.debezium());

    private final EventTable described;

    private TableLayout(EventTable described) {
        this.described = described;
    }

    /** Posthaste's own. */
    public static TableLayout standard() {
        return STANDARD;
    }

    /**
     * The outbox table of Debezium's outbox event router, with the columns that a relay needs added to it: its writers
     * still write {@code id}, {@code aggregatetype}, {@code aggregateid}, {@code type} and {@code payload}, and events
     * still go to {@code outbox.event.} followed by the aggregate type. The script {@code debezium.sql} creates it, and
     * shows how to add the columns to an existing table.
     */
    public static TableLayout debezium() {
        return DEBEZIUM;
    }

    /**
     * A table that exists already, described line by line as {@code key = value}, in the words that follow {@code mapped:} in
     * the daemon's file. Lines that begin with {@code #} are comments, as in all of Java's property files. The keys:
     *
     * <ul>
     *   <li>{@code column.X}: the column that holds X, such as {@code column.next-attempt-at = next_retry_at}. X is one
     *       of {@code id type payload status attempts next-attempt-at}, which are required, and {@code event-id version
     *       key destination routing-key headers service max-attempts last-error created-at published-at consumed-at
     *       updated-at generation}; a column that is not named is absent
     *   <li>{@code status.pending}, {@code .published}, {@code .consumed}, {@code .dead}: the codes in the status column, all
     *       numbers or all words; {@code consumed} may be left out where no receipts are kept
     *   <li>{@code payload}: {@code text} (the default), {@code binary}, or {@code envelope}: a JSON envelope with the event's
     *       id, version, aggregate and payload, to be opened
     *   <li>{@code due}: {@code null} (the default) when a new row that is due at once has no next attempt, {@code now} when it
     *       has the time of its writing
     *   <li>{@code zone}: which clock the table's times show where its columns do not store a zone: {@code UTC},
     *       {@code session} for that of the sessions that read and write them, or an offset such as {@code +08:00}. Left
     *       out, it is UTC on MySQL and MariaDB, and PostgreSQL's columns store their zone. PostgreSQL's {@code timestamp}
     *       requires it, MySQL's {@code timestamp} requires {@code session}, H2's columns always store their zone
     *   <li>{@code destination-prefix}: what precedes the destination column's value, such as Debezium's {@code
     *       outbox.event.}
     *   <li>{@code length.X}: the longest value of column X in characters, where it is not the standard's; of
     *       {@code headers} (65,535 unless stated) and {@code payload} (no limit of the table's unless stated) in bytes of
     *       UTF-8
     *   <li>{@code table}: optional; must be the table of the outbox's definition
     * </ul>
     *
     * @throws IllegalArgumentException with everything that is wrong: unknown keys, unusable values, and missing keys
     *     that a relay cannot do without
     */
    public static TableLayout mapped(String description) {
        Properties lines = new Properties();
        try {
            lines.load(new StringReader(description));
        } catch (IOException e) {
            throw new UncheckedIOException(e); // reading a string does not fail
        }
        Map<String, String> described = new HashMap<>();
        lines.stringPropertyNames().forEach(key -> described.put(key, lines.getProperty(key)));
        return new TableLayout(EventTable.of(described));
    }

    /** Whether the payload column holds bytes, and not text; not unless set, or described so. */
    public TableLayout binaryPayload(boolean binary) {
        return new TableLayout(described.withBinaryPayload(binary));
    }

    /** This layout in a database. */
    EventTable at(String table) {
        return described.at(table);
    }

    /** The table that the description names; empty where it names none. */
    String declaredTable() {
        return described.table();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TableLayout that && described.equals(that.described);
    }

    @Override
    public int hashCode() {
        return described.hashCode();
    }

    @Override
    public String toString() {
        return equals(STANDARD) ? "standard" : equals(DEBEZIUM) ? "debezium" : "TableLayout[" + described + "]";
    }
}
