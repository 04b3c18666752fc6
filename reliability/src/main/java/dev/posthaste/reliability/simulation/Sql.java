package dev.posthaste.reliability.simulation;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The part of SQL that Posthaste speaks to PostgreSQL, parsed once for each text. A statement that is not understood is an
 * error: nothing is guessed.
 */
final class Sql {
    private static final Map<String, Command> PARSED = new ConcurrentHashMap<>();

    /** A statement; its expressions know their columns by position. */
    sealed interface Command {}

    record Insert(String table, int[] columns, List<Expression> values, boolean passingOver) implements Command {}

    record Update(String table, int[] columns, List<Expression> values, Expression where) implements Command {}

    record Delete(String table, Expression where) implements Command {}

    record Select(
            String table,
            List<Expression> outputs,
            Expression where,
            @Nullable Expression group,
            @Nullable Expression order,
            boolean descending,
            Expression limit,
            Lock lock,
            boolean aggregate)
            implements Command {}

    /** A select for each of many ranges, whose ends it knows as {@code ranges.low} and {@code ranges.high}. */
    record Ranges(Select each) implements Command {}

    /** What a query does to the rows that it finds: with {@code FREE}, those that somebody else holds are not found. */
    enum Lock {
        NONE,
        SHARE,
        FREE
    }

    /** Of a row, the parameters and the clock. Times are numbers of nanoseconds. */
    @FunctionalInterface
    interface Expression {
        @Nullable
        Object of(Scope scope);
    }

    /** What an expression sees: one row, or all of them when it counts. */
    static final class Scope {
        final @Nullable Object[] parameters;
        final long now;
        final long skew;

        @Nullable
        Object[] row = new Object[0];

        List<@Nullable Object[]> rows = List.of();
        long low;
        long high;

        /** @param skew by how much the client's wall clock is wrong */
        Scope(@Nullable Object[] parameters, long now, long skew) {
            this.parameters = parameters;
            this.now = now;
            this.skew = skew;
        }
    }

    static Command parse(String text) {
        Command known = PARSED.get(text);
        if (known == null) {
            known = new Sql(text).command();
            PARSED.put(text, known);
        }
        return known;
    }

    private final String text;
    private final List<String> tokens = new ArrayList<>();
    private int next;
    private int parameters;
    private boolean aggregates;
    private List<String> columns = List.of();

    private Sql(String text) {
        this.text = text;
        tokenize();
    }

    // --- Tokens ------------------------------------------------------------------------------------------------------

    private void tokenize() {
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (Character.isWhitespace(c)) {
                at++;
                continue;
            }
            int end = at + 1;
            if (Character.isLetterOrDigit(c) || c == '_') {
                while (end < text.length()
                        && (Character.isLetterOrDigit(text.charAt(end)) || text.charAt(end) == '_')) {
                    end++;
                }
                tokens.add(text.substring(at, end).toLowerCase(Locale.ROOT));
            } else if (c == '"' || c == '\'') {
                end = text.indexOf(c, at + 1) + 1;
                tokens.add(c == '"' ? text.substring(at + 1, end - 1) : text.substring(at, end - 1));
            } else {
                if (end < text.length()
                        && List.of("::", "<>", "<=", ">=", "||").contains(text.substring(at, end + 1))) {
                    end++;
                }
                tokens.add(text.substring(at, end));
            }
            at = end;
        }
        tokens.add("");
    }

    private boolean took(String... words) {
        for (int i = 0; i < words.length; i++) {
            if (!tokens.get(Math.min(next + i, tokens.size() - 1)).equals(words[i])) {
                return false;
            }
        }
        next += words.length;
        return true;
    }

    private void expect(String... words) {
        if (!took(words)) {
            throw new IllegalArgumentException("The simulated database does not understand " + text + " at \""
                    + tokens.get(next) + "\"; " + String.join(" ", words) + " was expected");
        }
    }

    private String word() {
        return tokens.get(next++);
    }

    // --- Statements --------------------------------------------------------------------------------------------------

    private Command command() {
        Command command;
        if (took("insert", "into")) {
            command = insert();
        } else if (took("update")) {
            command = update();
        } else if (took("delete", "from")) {
            String table = table();
            command = new Delete(table, where());
        } else {
            expect("select");
            command = took("pending", ".", "*", "from", "unnest") ? ranges() : select();
        }
        expect("");
        return command;
    }

    private String table() {
        String table = word();
        columns = Database.columns(table);
        return table;
    }

    private int column(String name) {
        int column = columns.indexOf(name);
        if (column < 0) {
            throw new IllegalArgumentException("The simulated database has no column " + name + ": " + text);
        }
        return column;
    }

    private Insert insert() {
        String table = table();
        List<Integer> into = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        expect("(");
        do {
            into.add(column(word()));
        } while (took(","));
        expect(")", "values", "(");
        do {
            values.add(expression());
        } while (took(","));
        expect(")");
        boolean passingOver = took("on", "conflict", "do", "nothing");
        return new Insert(table, into.stream().mapToInt(i -> i).toArray(), values, passingOver);
    }

    private Update update() {
        String table = table();
        List<Integer> set = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        expect("set");
        do {
            set.add(column(word()));
            expect("=");
            values.add(expression());
        } while (took(","));
        return new Update(table, set.stream().mapToInt(i -> i).toArray(), values, where());
    }

    private Expression where() {
        return took("where") ? expression() : scope -> true;
    }

    private Ranges ranges() {
        expect(
                "(", "?", ",", "?", ")", "ranges", "(", "low", ",", "high", ")", "cross", "join", "lateral", "(",
                "select");
        parameters += 2;
        Select each = select();
        expect(")", "pending", "order", "by", "1", "limit", "(", "select", "?");
        expect("::", "bigint", ")");
        return new Ranges(each);
    }

    private Select select() {
        int outputsAt = next;
        while (!took("from")) { // the columns are known only when the table is
            if (word().equals("(")) {
                skipParentheses();
            }
        }
        String table = table();
        int rest = next;
        next = outputsAt;
        List<Expression> outputs = new ArrayList<>();
        do {
            outputs.add(expression());
        } while (took(","));
        boolean aggregate = aggregates;
        next = rest;
        Expression where = where();
        Expression group = took("group", "by") ? expression() : null;
        Expression order = took("order", "by") ? expression() : null;
        boolean descending = took("desc");
        Expression limit = took("limit") ? expression() : scope -> Long.MAX_VALUE;
        Lock lock = took("for", "share") ? Lock.SHARE : took("for", "update", "skip", "locked") ? Lock.FREE : Lock.NONE;
        return new Select(table, outputs, where, group, order, descending, limit, lock, aggregate);
    }

    private void skipParentheses() {
        for (int open = 1; open > 0; ) {
            String word = word();
            open += word.equals("(") ? 1 : word.equals(")") ? -1 : 0;
        }
    }

    // --- Expressions -------------------------------------------------------------------------------------------------

    private Expression expression() {
        Expression left = conjunction();
        while (took("or")) {
            Expression first = left;
            Expression second = conjunction();
            left = scope -> Boolean.TRUE.equals(first.of(scope)) || Boolean.TRUE.equals(second.of(scope));
        }
        return left;
    }

    private Expression conjunction() {
        Expression left = comparison();
        while (took("and")) {
            Expression first = left;
            Expression second = comparison();
            left = scope -> Boolean.TRUE.equals(first.of(scope)) && Boolean.TRUE.equals(second.of(scope));
        }
        return left;
    }

    private Expression comparison() {
        Expression left = joined();
        if (took("is", "not", "null")) {
            return scope -> left.of(scope) != null;
        }
        if (took("is", "null")) {
            return scope -> left.of(scope) == null;
        }
        if (took("in", "(")) {
            return oneOf(left);
        }
        if (took("=", "any", "(")) {
            Expression array = expression();
            expect(")");
            return scope -> array.of(scope) instanceof List<?> values && values.contains(left.of(scope));
        }
        for (String operator : List.of("=", "<>", "<=", ">=", "<", ">")) {
            if (took(operator)) {
                Expression right = joined();
                return scope -> compare(operator, left.of(scope), right.of(scope));
            }
        }
        return left;
    }

    private Expression oneOf(Expression left) {
        List<Expression> values = new ArrayList<>();
        do {
            values.add(expression());
        } while (took(","));
        expect(")");
        return scope -> {
            Object wanted = left.of(scope);
            for (Expression value : values) {
                if (wanted != null && wanted.equals(value.of(scope))) {
                    return true;
                }
            }
            return false;
        };
    }

    /** What is compared with null is neither equal nor unequal. */
    @SuppressWarnings("unchecked")
    private static @Nullable Boolean compare(String operator, @Nullable Object left, @Nullable Object right) {
        if (left == null || right == null) {
            return null;
        }
        int order = ((Comparable<Object>) left).compareTo(right);
        return switch (operator) {
            case "=" -> order == 0;
            case "<>" -> order != 0;
            case "<=" -> order <= 0;
            case ">=" -> order >= 0;
            case "<" -> order < 0;
            default -> order > 0;
        };
    }

    /** Texts and numbers, joined as text. */
    private Expression joined() {
        Expression left = sum();
        while (took("||")) {
            Expression first = left;
            Expression second = sum();
            left = scope -> first.of(scope) == null || second.of(scope) == null
                    ? null
                    : String.valueOf(first.of(scope)) + second.of(scope);
        }
        return left;
    }

    private Expression sum() {
        Expression left = product();
        while (tokens.get(next).equals("+") || tokens.get(next).equals("-")) {
            Expression first = left;
            boolean plus = word().equals("+");
            Expression second = product();
            left = scope -> number(first.of(scope), second.of(scope), plus ? 1 : -1);
        }
        return left;
    }

    private static @Nullable Object number(@Nullable Object first, @Nullable Object second, int sign) {
        return first == null || second == null ? null : (Long) first + sign * (Long) second;
    }

    private Expression product() {
        Expression left = cast();
        while (took("*")) {
            Expression first = left;
            Expression second = cast();
            left = scope -> {
                Object a = first.of(scope);
                Object b = second.of(scope);
                return a == null || b == null ? null : (Long) a * (Long) b;
            };
        }
        return left;
    }

    private Expression cast() {
        Expression value = primary();
        if (took("::") && !took("timestamptz")) {
            expect("bigint");
        }
        return value;
    }

    private Expression primary() {
        String word = word();
        switch (word) {
            case "(" -> {
                took("select"); // of nothing but a value
                Expression inner = expression();
                expect(")");
                return inner;
            }
            case "?" -> {
                int parameter = parameters++;
                return scope -> scope.parameters[parameter];
            }
            case "null" -> {
                return scope -> null;
            }
            case "interval" -> {
                long nanos = took("'1 microsecond") ? 1_000L : 30_000L * 86_400_000_000_000L;
                if (nanos > 1_000L) {
                    expect("'30000 days");
                }
                return scope -> nanos;
            }
            case "-" -> {
                Long literal = Long.valueOf("-" + word());
                return scope -> literal;
            }
            case "case" -> {
                return choice();
            }
            case "octet_length" -> {
                expect("(");
                Expression text = expression();
                expect(")");
                return scope -> {
                    Object value = text.of(scope);
                    return value == null ? null : (long) String.valueOf(value).getBytes(StandardCharsets.UTF_8).length;
                };
            }
            case "least", "greatest" -> {
                expect("(");
                Expression one = expression();
                expect(",");
                Expression other = expression();
                expect(")");
                boolean least = word.equals("least");
                return scope -> {
                    Long a = (Long) one.of(scope);
                    Long b = (Long) other.of(scope);
                    return a == null ? b : b == null ? a : Long.valueOf(least ? Math.min(a, b) : Math.max(a, b));
                };
            }
            case "now", "clock_timestamp" -> {
                expect("(", ")");
                return scope -> scope.now;
            }
            case "local_clock" -> { // of the client, which no statement of ours should ask for
                expect("(", ")");
                return scope -> scope.now + scope.skew;
            }
            case "timestamptz" -> {
                expect("'epoch");
                return scope -> 0L;
            }
            case "isfinite" -> {
                expect("(");
                Expression time = expression();
                expect(")");
                return scope -> time.of(scope) != null;
            }
            case "extract" -> {
                return extract();
            }
            case "coalesce" -> {
                return coalesce();
            }
            case "count", "max", "min" -> {
                return aggregate(word);
            }
            default -> {
                return literalOrColumn(word);
            }
        }
    }

    /** Times are nanoseconds already; what is extracted is made nanoseconds or microseconds by a factor. */
    private Expression extract() {
        expect("(", "epoch", "from");
        Expression time = expression();
        expect(")", "*");
        if (took("1000000000")) {
            return time;
        }
        expect("1000000");
        return scope -> {
            Object nanos = time.of(scope);
            return nanos == null ? null : (Long) nanos / 1_000;
        };
    }

    private Expression choice() {
        expect("when");
        Expression condition = expression();
        expect("then");
        Expression value = expression();
        Expression otherwise = took("else") ? expression() : scope -> null;
        expect("end");
        return scope -> Boolean.TRUE.equals(condition.of(scope)) ? value.of(scope) : otherwise.of(scope);
    }

    private Expression literalOrColumn(String word) {
        if (word.equals("ranges")) {
            expect(".");
            boolean low = word().equals("low");
            return scope -> low ? scope.low : scope.high;
        }
        if (word.startsWith("'")) {
            String literal = word.substring(1);
            return scope -> literal;
        }
        if (Character.isDigit(word.charAt(0))) {
            Long literal = Long.valueOf(word);
            return scope -> literal;
        }
        int column = column(word);
        return scope -> scope.row[column];
    }

    private Expression coalesce() {
        List<Expression> values = new ArrayList<>();
        expect("(");
        do {
            values.add(expression());
        } while (took(","));
        expect(")");
        return scope -> {
            Object found = null;
            for (int i = 0; i < values.size() && found == null; i++) {
                found = values.get(i).of(scope);
            }
            return found;
        };
    }

    private Expression aggregate(String name) {
        aggregates = true;
        expect("(");
        if (name.equals("count")) {
            expect("*", ")");
            return scope -> (long) scope.rows.size();
        }
        Expression value = expression();
        expect(")");
        return scope -> {
            Long best = null;
            for (@Nullable Object[] row : scope.rows) {
                scope.row = row;
                Long each = (Long) value.of(scope);
                if (each != null && (best == null || (name.equals("max") ? each > best : each < best))) {
                    best = each;
                }
            }
            return best;
        };
    }
}
