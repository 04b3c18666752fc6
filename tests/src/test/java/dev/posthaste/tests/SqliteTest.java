package dev.posthaste.tests;

import dev.posthaste.servers.Database;

class SqliteTest extends DatabaseTests {
    SqliteTest() {
        super(Database.SQLITE);
    }
}
