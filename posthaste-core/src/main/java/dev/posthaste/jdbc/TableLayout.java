package dev.posthaste.jdbc;

import dev.posthaste.Names;

/**
 * How an outbox's table looks. The standard columns are those of the scripts beside this class.
 *
 * @param table the table's name, {@code table} or {@code schema.table}
 * @param binaryPayload whether the payload column holds bytes instead of text
 */
public record TableLayout(String table, boolean binaryPayload) {
    public static final int MAX_EVENT_ID = 64;
    public static final int MAX_TYPE = 128;
    public static final int MAX_VERSION = 16;
    public static final int MAX_KEY = 128;
    public static final int MAX_DESTINATION = 255;
    public static final int MAX_ERROR = 2000;
    public static final int MAX_HEADER_NAME = 128;
    public static final int MAX_HEADER_VALUE = 4096;

    public TableLayout {
        Names.requireTable(table);
    }

    public static TableLayout standard(String table) {
        return new TableLayout(table.replace('-', '_').replace(' ', '_'), false);
    }

    /** The same table with a payload column of bytes. */
    public TableLayout withBinaryPayload() {
        return new TableLayout(table, true);
    }

    /** The name without its schema; indexes are named after it. */
    public String simpleName() {
        return table.substring(table.indexOf('.') + 1);
    }

    String pendingIndex() {
        return simpleName() + "_pending";
    }
}
