package dev.posthaste.server.cli;

import picocli.CommandLine.IVersionProvider;

/** The version recorded in the jar. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {"Posthaste " + (version == null ? "from its sources" : version)};
    }
}
