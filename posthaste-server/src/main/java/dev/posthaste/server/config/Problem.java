package dev.posthaste.server.config;

/**
 * Something wrong in a configuration.
 *
 * @param line counted from 1; 0 for the file as a whole
 */
public record Problem(int line, String message) {
    /** In the format of compilers. */
    public String at(String file) {
        return file + (line == 0 ? "" : ":" + line) + ": " + message;
    }
}
