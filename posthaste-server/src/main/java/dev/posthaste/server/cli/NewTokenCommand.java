package dev.posthaste.server.cli;

import dev.posthaste.server.Passwords;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "new-token",
        mixinStandardHelpOptions = true,
        description = "Makes a token for a program, and prints it with what 'console.tokens' needs.")
final class NewTokenCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() {
        String token = Passwords.newToken();
        var out = spec.commandLine().getOut();
        out.println("token: " + token);
        out.println("hash:  " + Passwords.hashToken(token));
        return ExitCodes.OK;
    }
}
