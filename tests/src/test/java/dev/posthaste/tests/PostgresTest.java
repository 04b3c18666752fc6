package dev.posthaste.tests;

import dev.posthaste.servers.Database;

class PostgresTest extends DatabaseTests {
    PostgresTest() {
        super(Database.POSTGRESQL);
    }
}
