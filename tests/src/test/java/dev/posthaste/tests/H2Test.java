package dev.posthaste.tests;

import dev.posthaste.servers.Database;

class H2Test extends DatabaseTests {
    H2Test() {
        super(Database.H2);
    }
}
