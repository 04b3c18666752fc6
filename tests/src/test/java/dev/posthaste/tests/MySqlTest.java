package dev.posthaste.tests;

import dev.posthaste.servers.Database;

class MySqlTest extends DatabaseTests {
    MySqlTest() {
        super(Database.MYSQL);
    }
}
