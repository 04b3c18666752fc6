package dev.posthaste.servers;

/** The databases that Posthaste runs on. */
public enum Database {
    POSTGRESQL,
    MARIADB,
    MYSQL,
    SQLITE,
    H2
}
