package dev.posthaste.server.cli;

import dev.posthaste.server.Passwords;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
        name = "hash-password",
        mixinStandardHelpOptions = true,
        description = "Asks for a password, or reads it from standard input, and prints what 'console.users' needs.")
final class HashPasswordCommand implements Callable<Integer> {
    private static final int MIN_LENGTH = 10;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        Console console = System.console();
        char[] password;
        if (console == null) {
            String line = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
            password = line == null ? new char[0] : line.toCharArray();
        } else {
            password = console.readPassword("Password: ");
        }
        if (password.length < MIN_LENGTH) {
            throw new ParameterException(spec.commandLine(), "A password has at least " + MIN_LENGTH + " characters");
        }
        spec.commandLine().getOut().println(Passwords.hash(password));
        return ExitCodes.OK;
    }
}
