package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The subset of SQL that Posthaste sends to PostgreSQL, parsed once per text. A statement that is not understood is an
 * error: nothing is guessed.
 */
final class Sql {
    private static final Map<String, Command> PARSED = new ConcurrentHashMap<>();

    /** A statement; its expressions know their columns by position. */
    sealed interface Command {}

    record Insert(String table, int[] columns, List<Expression> values, boolean passingOver) implements Command {}

    record Update(String table, int[] columns, List<Expression> values, Where where) implements Command {}

    record Delete(String table, Where where) implements Command {}

    record Select(
            String table,
            List<Expression> outputs,
            List<String> labels,
            Where where,
            @Nullable Expression group,
            @Nullable Expression order,
            boolean byKey,
            boolean descending,
            Expression limit,
            Lock lock,
            boolean aggregate)
            implements Command {}

    /** A select for each of many ranges, whose ends it refers to as {@code ranges.low} and {@code ranges.high}. */
    record Ranges(Select each) implements Command {}

    /**
     * Which rows are selected.
     *
     * @param named the keys of the only rows that can match, or null if they are not named
     */
    record Where(Expression holds, @Nullable Expression named, Bounds bounds) {}

    /**
     * What a row must have, whatever other conditions there are: saves visiting the others. Each part is null if there
     * is no such condition.
     *
     * @param keys one of these keys
     * @param low a key that is not lower
     * @param high a key that is not higher
     */
    record Bounds(
            @Nullable Expression keys,
            @Nullable Expression low,
            @Nullable Expression high,
            @Nullable Expression status) {
        static final Bounds NONE = new Bounds(null, null, null, null);
    }

    /** A value that comes from no table. */
    record Value(Expression value) implements Command {}

    /** The highest or lowest value that a select finds. */
    record Edge(Select stretch, boolean highest) implements Command {}

    /** What a query does to the rows that it finds: with {@code FREE}, it skips those locked by others. */
    enum Lock {
        NONE,
        SHARE,
        UPDATE,
        FREE
    }

    /** A function of a row, the parameters and the clock. Times are numbers of nanoseconds. */
    @FunctionalInterface
    interface Expression {
        @Nullable
        Object of(Scope scope);
    }

    static Command parse(String text) {
        Command known = PARSED.get(text);
        if (known == null) {
            known = new Sql(text).command();
            PARSED.put(text, known);
        }
        return known;
    }

    private final Tokens tokens;
    private final Expressions expressions;

    private Sql(String text) {
        tokens = new Tokens(text);
        expressions = new Expressions(tokens);
    }

    // --- Statements --------------------------------------------------------------------------------------------------

    private Command command() {
        Command command;
        if (tokens.took("insert", "into")) {
            command = insert();
        } else if (tokens.took("update")) {
            command = update();
        } else if (tokens.took("delete", "from")) {
            String table = table();
            command = new Delete(table, where());
        } else {
            tokens.expect("select");
            command = query();
        }
        tokens.expect("");
        return command;
    }

    private Command query() {
        if (tokens.took("pending", ".", "*", "from", "unnest")) {
            return ranges();
        }
        boolean highest = tokens.took("max", "(", "p", ")", "from", "(", "select");
        if (highest || tokens.took("min", "(", "p", ")", "from", "(", "select")) {
            Select stretch = select();
            tokens.expect(")", "stretch");
            return new Edge(stretch, highest);
        }
        return tokens.isOfATable() ? select() : new Value(expressions.expression());
    }

    private String table() {
        String table = tokens.word();
        expressions.of(table);
        return table;
    }

    private Insert insert() {
        String table = table();
        List<Integer> into = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        tokens.expect("(");
        do {
            into.add(expressions.column(tokens.word()));
        } while (tokens.took(","));
        tokens.expect(")", "values", "(");
        do {
            values.add(expressions.expression());
        } while (tokens.took(","));
        tokens.expect(")");
        boolean passingOver = tokens.took("on", "conflict", "do", "nothing");
        return new Insert(table, into.stream().mapToInt(i -> i).toArray(), values, passingOver);
    }

    private Update update() {
        String table = table();
        List<Integer> set = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        tokens.expect("set");
        do {
            set.add(expressions.column(tokens.word()));
            tokens.expect("=");
            values.add(expressions.expression());
        } while (tokens.took(","));
        return new Update(table, set.stream().mapToInt(i -> i).toArray(), values, where());
    }

    private Where where() {
        if (!tokens.took("where")) {
            return new Where(scope -> true, null, Bounds.NONE);
        }
        Expression holds = expressions.condition();
        return new Where(holds, expressions.named(), expressions.bounds());
    }

    private Ranges ranges() {
        tokens.expect(
                "(", "?", ",", "?", ")", "ranges", "(", "low", ",", "high", ")", "cross", "join", "lateral", "(",
                "select");
        expressions.skipParameters(2);
        Select each = select();
        tokens.expect(")", "pending", "order", "by", "1", "limit", "(", "select", "?");
        tokens.expect("::", "bigint", ")");
        return new Ranges(each);
    }

    private Select select() {
        int outputsAt = tokens.position();
        while (!tokens.took("from")) { // the columns are not known before the table is
            if (tokens.word().equals("(")) {
                tokens.skipParentheses();
            }
        }
        String table = table();
        int rest = tokens.position();
        tokens.goTo(outputsAt);
        List<Expression> outputs = new ArrayList<>();
        List<String> labels = new ArrayList<>();
        do {
            String column = tokens.peek();
            outputs.add(expressions.expression());
            labels.add(tokens.took("as") ? tokens.word() : column);
        } while (tokens.took(","));
        boolean aggregate = expressions.aggregates();
        tokens.goTo(rest);
        Where where = where();
        Expression group = tokens.took("group", "by") ? expressions.expression() : null;
        boolean ordered = tokens.took("order", "by");
        boolean byKey = ordered && expressions.isAtKey();
        Expression order = ordered ? expressions.expression() : null;
        boolean descending = tokens.took("desc");
        Expression limit = tokens.took("limit") ? expressions.expression() : scope -> Long.MAX_VALUE;
        Lock lock = tokens.took("for", "share")
                ? Lock.SHARE
                : tokens.took("for", "update", "skip", "locked")
                        ? Lock.FREE
                        : tokens.took("for", "update") ? Lock.UPDATE : Lock.NONE;
        return new Select(table, outputs, labels, where, group, order, byKey, descending, limit, lock, aggregate);
    }
}
