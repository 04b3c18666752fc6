package dev.posthaste.tests;

import dev.posthaste.servers.Database;

class MariaDbTest extends DatabaseTests {
    MariaDbTest() {
        super(Database.MARIADB);
    }
}
