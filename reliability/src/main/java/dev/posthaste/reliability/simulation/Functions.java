package dev.posthaste.reliability.simulation;

import dev.posthaste.reliability.simulation.Sql.Expression;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Parses the named parts of an expression: functions, aggregates and choices. */
final class Functions {
    private final Tokens tokens;
    private final Expressions expressions;
    private boolean aggregates;

    Functions(Tokens tokens, Expressions expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    /** Whether one of them is a count, a maximum or a minimum. */
    boolean aggregate() {
        return aggregates;
    }

    /** The expression whose name was just read; null if there is none. */
    @Nullable
    Expression call(String word) {
        switch (word) {
            case "case" -> {
                return choice();
            }
            case "octet_length" -> {
                tokens.expect("(");
                Expression text = expressions.expression();
                tokens.expect(")");
                return scope -> {
                    Object value = text.of(scope);
                    return value == null ? null : (long) String.valueOf(value).getBytes(StandardCharsets.UTF_8).length;
                };
            }
            case "least", "greatest" -> {
                tokens.expect("(");
                Expression one = expressions.expression();
                tokens.expect(",");
                Expression other = expressions.expression();
                tokens.expect(")");
                boolean least = word.equals("least");
                return scope -> {
                    Long a = (Long) one.of(scope);
                    Long b = (Long) other.of(scope);
                    return a == null ? b : b == null ? a : Long.valueOf(least ? Math.min(a, b) : Math.max(a, b));
                };
            }
            case "isfinite" -> {
                tokens.expect("(");
                Expression time = expressions.expression();
                tokens.expect(")");
                return scope -> time.of(scope) != null;
            }
            case "extract" -> {
                return extract();
            }
            case "coalesce" -> {
                return coalesce();
            }
            case "substring", "left" -> {
                return start(word.equals("substring"));
            }
            case "count", "max", "min" -> {
                return aggregate(word);
            }
            default -> {
                return null;
            }
        }
    }

    /** Times are already in nanoseconds; extracted parts are converted to nanoseconds or microseconds by a factor. */
    private Expression extract() {
        tokens.expect("(", "epoch", "from");
        Expression time = expressions.expression();
        tokens.expect(")", "*");
        if (tokens.took("1000000000")) {
            return time;
        }
        tokens.expect("1000000");
        return scope -> {
            Object nanos = time.of(scope);
            return nanos == null ? null : (Long) nanos / 1_000;
        };
    }

    private Expression choice() {
        tokens.expect("when");
        Expression condition = expressions.expression();
        tokens.expect("then");
        Expression value = expressions.expression();
        Expression otherwise = tokens.took("else") ? expressions.expression() : scope -> null;
        tokens.expect("end");
        return scope -> Boolean.TRUE.equals(condition.of(scope)) ? value.of(scope) : otherwise.of(scope);
    }

    private Expression coalesce() {
        List<Expression> values = new ArrayList<>();
        tokens.expect("(");
        do {
            values.add(expressions.expression());
        } while (tokens.took(","));
        tokens.expect(")");
        return scope -> {
            Object found = null;
            for (int i = 0; i < values.size() && found == null; i++) {
                found = values.get(i).of(scope);
            }
            return found;
        };
    }

    /** The leading characters of a text. */
    private Expression start(boolean substring) {
        tokens.expect("(");
        Expression text = expressions.expression();
        tokens.expect(",");
        if (substring) {
            tokens.expect("1", ",");
        }
        Expression length = expressions.expression();
        tokens.expect(")");
        return scope -> {
            Object value = text.of(scope);
            long most = (Long) Objects.requireNonNull(length.of(scope));
            return value == null
                    ? null
                    : String.valueOf(value).substring(0, (int)
                            Math.min(most, String.valueOf(value).length()));
        };
    }

    @SuppressWarnings("unchecked")
    private Expression aggregate(String name) {
        aggregates = true;
        tokens.expect("(");
        if (name.equals("count")) {
            tokens.expect("*", ")");
            return scope -> (long) scope.rows.size();
        }
        Expression value = expressions.expression();
        tokens.expect(")");
        return scope -> {
            int sign = name.equals("max") ? 1 : -1;
            Comparable<Object> best = null;
            for (@Nullable Object[] row : scope.rows) {
                scope.row = row;
                Comparable<Object> each = (Comparable<Object>) value.of(scope);
                if (each != null && (best == null || sign * each.compareTo(best) > 0)) {
                    best = each;
                }
            }
            return best;
        };
    }
}
