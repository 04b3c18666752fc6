package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The tokens of a statement, and the current position. */
final class Tokens {
    private final String text;
    private final List<String> tokens = new ArrayList<>();
    private int next;

    Tokens(String text) {
        this.text = text;
        tokenize();
    }

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

    boolean took(String... words) {
        if (!isNext(words)) {
            return false;
        }
        next += words.length;
        return true;
    }

    boolean isNext(String... words) {
        for (int i = 0; i < words.length; i++) {
            if (!tokens.get(Math.min(next + i, tokens.size() - 1)).equals(words[i])) {
                return false;
            }
        }
        return true;
    }

    void expect(String... words) {
        if (!took(words)) {
            throw new IllegalArgumentException("The simulated database does not understand " + text + " at \""
                    + tokens.get(next) + "\"; expected " + String.join(" ", words));
        }
    }

    String word() {
        return tokens.get(next++);
    }

    /** The next token, without consuming it. */
    String peek() {
        return tokens.get(next);
    }

    int position() {
        return next;
    }

    /** Continues at another position. */
    void goTo(int position) {
        next = position;
    }

    /** Skips the contents of parentheses whose opening one was consumed. */
    void skipParentheses() {
        for (int open = 1; open > 0; ) {
            String word = word();
            open += word.equals("(") ? 1 : word.equals(")") ? -1 : 0;
        }
    }

    /** Whether the select that begins here has a table. */
    boolean isOfATable() {
        int open = 0;
        for (String token : tokens.subList(next, tokens.size())) {
            open += token.equals("(") ? 1 : token.equals(")") ? -1 : 0;
            if (open == 0 && token.equals("from")) {
                return true;
            }
        }
        return false;
    }

    @Override
    public String toString() {
        return text;
    }
}
