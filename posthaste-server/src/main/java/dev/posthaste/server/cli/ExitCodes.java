package dev.posthaste.server.cli;

/** What programs can learn from a command's exit code. */
final class ExitCodes {
    static final int OK = 0;
    /** There is no such event, or nothing was changed. */
    static final int NOTHING = 1;
    /** The command line or the configuration is wrong. */
    static final int USAGE = 2;
    /** A database or a broker does not answer, or is not ready. */
    static final int UNREACHABLE = 3;

    private ExitCodes() {}
}
