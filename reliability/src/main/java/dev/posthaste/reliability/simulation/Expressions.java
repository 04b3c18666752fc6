package dev.posthaste.reliability.simulation;

import dev.posthaste.reliability.simulation.Sql.Bounds;
import dev.posthaste.reliability.simulation.Sql.Expression;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Parses the expressions of one statement. */
final class Expressions {
    private final Tokens tokens;
    private final Functions functions;
    private List<String> columns = List.of();
    private int parameters;
    private @Nullable Expression named;
    private Bounds bounds = Bounds.NONE;
    /** The depth in parentheses and alternatives of a condition: what is true there need not be true of every row. */
    private int depth = 1;

    Expressions(Tokens tokens) {
        this.tokens = tokens;
        this.functions = new Functions(tokens, this);
    }

    /** Sets the table whose columns are meant from now on. */
    void of(String table) {
        columns = Database.columns(table);
    }

    int column(String name) {
        int column = columns.indexOf(name);
        if (column < 0) {
            throw new IllegalArgumentException("The simulated database has no column " + name + ": " + tokens);
        }
        return column;
    }

    /** Skips this many parameters. */
    void skipParameters(int number) {
        parameters += number;
    }

    /** Whether one of them is a count, a maximum or a minimum. */
    boolean aggregates() {
        return functions.aggregate();
    }

    /**
     * The value that the first column must equal; null if it is not compared. It is the key if the key is a single
     * column.
     */
    @Nullable
    Expression named() {
        return named;
    }

    /** What matching rows must have, as far as it is known without reading them. */
    Bounds bounds() {
        return bounds;
    }

    /** The condition that selects rows. */
    Expression condition() {
        bounds = Bounds.NONE;
        depth = 0;
        Expression condition = expression();
        depth = 1;
        return condition;
    }

    /** Whether the next token is the table's first column, alone or combined with something that does not change it. */
    boolean isAtKey() {
        String key = columns.isEmpty() ? "" : columns.get(0);
        return tokens.peek().equals(key) || tokens.isNext("(", key, "+", "0", ")");
    }

    Expression expression() {
        Expression left = conjunction();
        while (tokens.took("or")) {
            if (depth == 0) {
                bounds = Bounds.NONE;
                depth = 1;
            }
            Expression first = left;
            Expression second = conjunction();
            left = scope -> Boolean.TRUE.equals(first.of(scope)) || Boolean.TRUE.equals(second.of(scope));
        }
        return left;
    }

    private Expression conjunction() {
        Expression left = comparison();
        while (tokens.took("and")) {
            Expression first = left;
            Expression second = comparison();
            left = scope -> Boolean.TRUE.equals(first.of(scope)) && Boolean.TRUE.equals(second.of(scope));
        }
        return left;
    }

    private Expression comparison() {
        int start = tokens.position();
        boolean first = !columns.isEmpty() && tokens.peek().equals(columns.get(0));
        boolean position = depth == 0 && isAtKey();
        boolean status = depth == 0 && Table.STATUS.contains(tokens.peek());
        Expression left = joined();
        boolean key = first && tokens.position() == start + 1;
        position &= key || tokens.position() == start + 5;
        status &= tokens.position() == start + 1;
        if (tokens.took("is", "not", "null")) {
            return scope -> left.of(scope) != null;
        }
        if (tokens.took("is", "null")) {
            return scope -> left.of(scope) == null;
        }
        if (tokens.took("in", "(")) {
            return oneOf(left);
        }
        if (tokens.took("=", "any", "(")) {
            Expression array = expression();
            tokens.expect(")");
            named = key ? array : named;
            bounds = position ? new Bounds(array, bounds.low(), bounds.high(), bounds.status()) : bounds;
            return scope -> array.of(scope) instanceof List<?> values && values.contains(left.of(scope));
        }
        for (String operator : List.of("=", "<>", "<=", ">=", "<", ">")) {
            if (tokens.took(operator)) {
                Expression right = joined();
                named = key && operator.equals("=") ? right : named;
                if (position) {
                    bound(operator, right);
                } else if (status && operator.equals("=")) {
                    bounds = new Bounds(bounds.keys(), bounds.low(), bounds.high(), right);
                }
                return scope -> compare(operator, left.of(scope), right.of(scope));
            }
        }
        return left;
    }

    private void bound(String operator, Expression value) {
        switch (operator) {
            case "=" -> bounds = new Bounds(value, bounds.low(), bounds.high(), bounds.status());
            case ">", ">=" -> bounds = new Bounds(bounds.keys(), value, bounds.high(), bounds.status());
            case "<", "<=" -> bounds = new Bounds(bounds.keys(), bounds.low(), value, bounds.status());
            default -> {
                // it only says what the key is not
            }
        }
    }

    private Expression oneOf(Expression left) {
        List<Expression> values = new ArrayList<>();
        do {
            values.add(expression());
        } while (tokens.took(","));
        tokens.expect(")");
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

    /** Texts and numbers, concatenated as text. */
    private Expression joined() {
        Expression left = sum();
        while (tokens.took("||")) {
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
        while (tokens.peek().equals("+") || tokens.peek().equals("-")) {
            Expression first = left;
            boolean plus = tokens.word().equals("+");
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
        while (tokens.took("*")) {
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
        if (tokens.took("::") && !tokens.took("timestamptz") && !tokens.took("text")) {
            tokens.expect("bigint");
        }
        return value;
    }

    private Expression primary() {
        String word = tokens.word();
        switch (word) {
            case "(" -> {
                tokens.took("select"); // without a table
                depth++;
                Expression inner = expression();
                depth--;
                tokens.expect(")");
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
                long nanos = tokens.took("'1 microsecond") ? 1_000L : 30_000L * 86_400_000_000_000L;
                if (nanos > 1_000L) {
                    tokens.expect("'30000 days");
                }
                return scope -> nanos;
            }
            case "-" -> {
                Long literal = Long.valueOf("-" + tokens.word());
                return scope -> literal;
            }
            case "now", "clock_timestamp" -> {
                tokens.expect("(", ")");
                return scope -> scope.now;
            }
            case "local_clock" -> { // the client's, which none of our statements should use
                tokens.expect("(", ")");
                return scope -> scope.now + scope.skew;
            }
            case "timestamptz" -> {
                tokens.expect("'epoch");
                return scope -> 0L;
            }
            default -> {
                Expression called = functions.call(word);
                return called == null ? literalOrColumn(word) : called;
            }
        }
    }

    private Expression literalOrColumn(String word) {
        if (word.equals("ranges")) {
            tokens.expect(".");
            boolean low = tokens.word().equals("low");
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
}
