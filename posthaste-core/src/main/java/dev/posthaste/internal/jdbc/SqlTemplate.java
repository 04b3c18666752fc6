package dev.posthaste.internal.jdbc;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A statement that is written once for all databases, with these placeholders:
 *
 * <ul>
 *   <li>{@code {now}} the database's clock, {@code {fromNow}} the same plus a parameter in microseconds
 *   <li>{@code {nanosUntil:COLUMN}} from the database's clock to a column, {@code {nanosSince:COLUMN}} the other way
 *   <li>{@code {micros:COLUMN}} a column's time in microseconds since 1970, {@code {atMicros}} such a parameter as a time
 *   <li>{@code {nowMicros}} the database's clock in microseconds since 1970
 *   <li>{@code {lockShared}} what locks a row that is read against changes; {@code {forUpdate}} what locks it to be
 *       changed, {@code {skipLocked}} the same, leaving out rows that another transaction has locked; nothing where the
 *       whole database is locked
 * </ul>
 */
final class SqlTemplate {
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{([^}]*)}");
    private static final Pattern LINE_BREAK = Pattern.compile("\\s*\\n\\s*");

    private SqlTemplate() {}

    /** The statement in one line, as {@code dialect} spells it. */
    static String fill(String template, Dialect dialect) {
        String line = LINE_BREAK.matcher(template.strip()).replaceAll(" ");
        return PLACEHOLDER
                .matcher(line)
                .replaceAll(each -> Matcher.quoteReplacement(value(each.group(1), dialect)))
                .strip();
    }

    static String isOneOf(String what, List<String> literals) {
        return literals.size() == 1
                ? what + " = " + literals.get(0)
                : what + " in (" + String.join(", ", literals) + ")";
    }

    private static String value(String placeholder, Dialect dialect) {
        int colon = placeholder.indexOf(':');
        String argument = placeholder.substring(colon + 1);
        return switch (colon < 0 ? placeholder : placeholder.substring(0, colon)) {
            case "now" -> dialect.now();
            case "nowMicros" -> dialect.micros(dialect.now());
            case "fromNow" -> dialect.fromNow();
            case "nanosUntil" -> dialect.nanosUntil(argument);
            case "nanosSince" -> dialect.nanosSince(argument);
            case "micros" -> dialect.micros(argument);
            case "atMicros" -> dialect.atMicros();
            case "lockShared" -> dialect.lockShared();
            case "forUpdate" -> dialect.forUpdate();
            case "skipLocked" -> dialect.skipLocked();
            default -> throw new IllegalStateException("Unknown placeholder {" + placeholder + "} in a statement");
        };
    }
}
