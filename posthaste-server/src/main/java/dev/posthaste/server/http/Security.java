package dev.posthaste.server.http;

import dev.posthaste.server.Passwords;
import dev.posthaste.server.config.Config.ConsoleConfig;
import dev.posthaste.server.config.Config.ProxyConfig;
import dev.posthaste.server.config.Config.Role;
import dev.posthaste.server.config.Config.TokenConfig;
import dev.posthaste.server.config.Config.UserConfig;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.HandlerType;
import io.javalin.http.SameSite;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Who is asking, and whether they may. Browsers log in and get a session, programs bring a token, a trusted proxy brings a
 * name; on loopback, without any of these configured, every user is an operator. Every request of a browser that
 * changes something must carry the session's CSRF token. Thread-safe.
 */
final class Security {
    static final String CSRF_HEADER = "X-Posthaste-Csrf";
    private static final String COOKIE = "posthaste-session";
    private static final Duration IDLE = Duration.ofHours(1);
    private static final Duration MAX_SESSION_TIME = Duration.ofHours(12);
    private static final Duration FAILURES_WITHIN = Duration.ofMinutes(5);
    /** For one name from one address, so that no one elsewhere can lock a user out. */
    private static final int MAX_FAILURES = 5;

    private static final int MAX_FAILURES_OF_AN_ADDRESS = 20;
    private static final int MAX_FAILURES_OF_A_NAME = 200;
    private static final int MAX_COUNTED = 10_000;
    /** Checking a password takes 19 MiB. */
    private static final int MAX_CHECKS_AT_ONCE = 4;

    private static final int MAX_SESSIONS = 1_000;
    private static final String NOBODYS_HASH = Passwords.hash("nobody".toCharArray());

    private final ConsoleConfig config;
    private final Map<String, Session> sessions = new LinkedHashMap<>(); // guarded by itself
    private final Map<String, Deque<Long>> failures = new ConcurrentHashMap<>();
    private final Semaphore checks = new Semaphore(MAX_CHECKS_AT_ONCE);
    private final String ownCsrf = Passwords.newToken();

    /** The user, as far as is known. */
    record Principal(String name, Role role, @Nullable String csrf) {
        private static final String ATTRIBUTE = "principal";

        /** The user of this request, whose route requires one. */
        static Principal of(Context context) {
            return Objects.requireNonNull(context.attribute(ATTRIBUTE));
        }

        boolean may(Role wanted) {
            return role.covers(wanted);
        }

        private void require(Role wanted) {
            if (!may(wanted)) {
                throw new HttpProblemException(
                        403,
                        "This requires the role " + wanted.name().toLowerCase(Locale.ROOT) + "; " + name + " is "
                                + role.name().toLowerCase(Locale.ROOT));
            }
        }
    }

    private static final class Session {
        final Principal principal;
        final long startedAt = System.nanoTime();
        volatile long usedAt = startedAt;

        Session(Principal principal) {
            this.principal = principal;
        }

        boolean isOver(long now) {
            return now - usedAt > IDLE.toNanos() || now - startedAt > MAX_SESSION_TIME.toNanos();
        }
    }

    Security(ConsoleConfig config) {
        this.config = config;
    }

    // --- Every request -----------------------------------------------------------------------------------------------

    /** Before anything else: headers, and whether the client may talk to us at all. */
    void protect(Context context) {
        context.header(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
                        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        context.header("X-Frame-Options", "DENY");
        context.header("X-Content-Type-Options", "nosniff");
        context.header("Referrer-Policy", "no-referrer");
        context.header("Cross-Origin-Opener-Policy", "same-origin");
        context.header("Cross-Origin-Resource-Policy", "same-origin");
        requireKnownHost(context);
        requireOwnOrigin(context);
    }

    /**
     * Prevents DNS rebinding: without a login, a page on a host name that resolves to loopback could reach us through
     * the browser.
     */
    private void requireKnownHost(Context context) {
        if (config.needsLogin() && config.hosts().isEmpty()) {
            return;
        }
        String host = hostName(String.valueOf(context.host()));
        if (!isLoopback(host)
                && !host.equals(config.address())
                && !config.hosts().contains(host)) {
            throw new HttpProblemException(421, "This console is not called " + host + "; add it to 'console.hosts'");
        }
    }

    private static String hostName(String host) {
        String name = host.startsWith("[") ? host.substring(0, host.indexOf(']') + 1) : host.split(":", 2)[0];
        return name.toLowerCase(Locale.ROOT);
    }

    private static boolean isLoopback(String host) {
        return Set.of("localhost", "127.0.0.1", "[::1]").contains(host);
    }

    private static void requireOwnOrigin(Context context) {
        String origin = context.header("Origin");
        if (origin == null || isSafe(context)) {
            return;
        }
        String authority;
        try {
            authority = URI.create(origin).getRawAuthority();
        } catch (IllegalArgumentException e) {
            authority = null;
        }
        if (authority == null || !authority.equalsIgnoreCase(context.host())) {
            throw new HttpProblemException(403, "This request comes from another site");
        }
    }

    private static boolean isSafe(Context context) {
        return HandlerType.GET.equals(context.method()) || HandlerType.HEAD.equals(context.method());
    }

    /**
     * The user of the request; refuses anyone without at least read access.
     *
     * @throws HttpProblemException 401 or 403
     */
    Principal principal(Context context) {
        Principal known = authenticate(context);
        if (!isSafe(context)) {
            if (known.csrf() != null && !Passwords.same(known.csrf(), String.valueOf(context.header(CSRF_HEADER)))) {
                throw new HttpProblemException(403, "The header " + CSRF_HEADER + " is missing or not this session's");
            }
            requireJson(context);
        }
        return known;
    }

    /**
     * Admits only users with this role to a route; they are {@link Principal#of} the request.
     *
     * @throws HttpProblemException 401 or 403
     */
    void require(Role role, Context context) {
        Principal principal = principal(context);
        principal.require(role);
        context.attribute(Principal.ATTRIBUTE, principal);
    }

    private static void requireJson(Context context) {
        String type = context.contentType();
        if (type == null || !type.toLowerCase(Locale.ROOT).startsWith("application/json")) {
            throw new HttpProblemException(415, "Changes are requested as JSON: Content-Type: application/json");
        }
    }

    private Principal authenticate(Context context) {
        String authorization = context.header("Authorization");
        if (authorization != null) {
            return byToken(authorization);
        }
        ProxyConfig proxy = config.proxy();
        String claimed = proxy == null ? null : context.header(proxy.userHeader());
        if (proxy != null && claimed != null && !claimed.isBlank()) {
            return byProxy(context, proxy, claimed.strip());
        }
        Session session = session(context);
        if (session != null) {
            session.usedAt = System.nanoTime();
            return session.principal;
        }
        if (!config.needsLogin()) {
            return new Principal("local", Role.OPERATOR, ownCsrf);
        }
        throw new HttpProblemException(401, "Log in first, or send a token");
    }

    private Principal byToken(String authorization) {
        String token =
                authorization.startsWith("Bearer ") ? authorization.substring(7).strip() : "";
        String hash = Passwords.hashToken(token);
        for (TokenConfig each : config.tokens()) {
            if (Passwords.same(each.hash(), hash)) {
                return new Principal(each.name(), each.role(), null);
            }
        }
        throw new HttpProblemException(401, "This token is not known");
    }

    /** The proxy's headers count only when the request comes from the proxy. */
    private Principal byProxy(Context context, ProxyConfig proxy, String user) {
        if (!proxy.from().contains(plainAddress(context))) {
            throw new HttpProblemException(401, "The header " + proxy.userHeader() + " may be sent only by the proxy");
        }
        String claimed = proxy.roleHeader() == null ? null : context.header(proxy.roleHeader());
        Role role = proxy.role();
        if (claimed != null) {
            try {
                role = Role.valueOf(claimed.strip().toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw new HttpProblemException(403, "There is no role " + claimed);
            }
        }
        return new Principal(user.length() > 100 ? user.substring(0, 100) : user, role, ownCsrf);
    }

    private static String plainAddress(Context context) {
        try {
            return InetAddress.getByName(context.req().getRemoteAddr()).getHostAddress();
        } catch (UnknownHostException e) {
            return context.req().getRemoteAddr();
        }
    }

    // --- Sessions ----------------------------------------------------------------------------------------------------

    private @Nullable Session session(Context context) {
        String id = context.cookie(COOKIE);
        if (id == null) {
            return null;
        }
        synchronized (sessions) {
            Session session = sessions.get(id);
            if (session != null && session.isOver(System.nanoTime())) {
                sessions.remove(id);
                return null;
            }
            return session;
        }
    }

    /**
     * Checks a password and begins a session.
     *
     * @throws HttpProblemException 401, or 429 after too many failures
     */
    Principal login(Context context, String name, String password) {
        requireJson(context);
        String address = plainAddress(context);
        String pair = "name " + name + " address " + address;
        refuseTooMany(context, pair, MAX_FAILURES);
        refuseTooMany(context, "address " + address, MAX_FAILURES_OF_AN_ADDRESS);
        refuseTooMany(context, "name " + name, MAX_FAILURES_OF_A_NAME);
        UserConfig user = config.users().stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElse(null);
        // A user who does not exist takes as long as one who does.
        boolean right = check(password, user == null ? NOBODYS_HASH : user.passwordHash());
        if (user == null || !right) {
            failed(pair);
            failed("address " + address);
            failed("name " + name);
            throw new HttpProblemException(401, "Wrong name or password");
        }
        failures.remove(pair);
        Principal principal = new Principal(user.name(), user.role(), Passwords.newToken());
        String id = Passwords.newToken();
        synchronized (sessions) {
            long now = System.nanoTime();
            sessions.values().removeIf(session -> session.isOver(now));
            for (Iterator<String> oldest = sessions.keySet().iterator();
                    sessions.size() >= MAX_SESSIONS && oldest.hasNext(); ) {
                oldest.next();
                oldest.remove();
            }
            sessions.put(id, new Session(principal));
        }
        context.cookie(new Cookie(COOKIE, id, "/", -1, config.secure(), true, null, SameSite.STRICT));
        return principal;
    }

    private boolean check(String password, String hash) {
        if (!checks.tryAcquire()) {
            throw new HttpProblemException(429, "Too many logins at the same time; try again in a moment");
        }
        try {
            return Passwords.matches(password.toCharArray(), hash);
        } finally {
            checks.release();
        }
    }

    void logout(Context context) {
        String id = context.cookie(COOKIE);
        if (id != null) {
            synchronized (sessions) {
                sessions.remove(id);
            }
        }
        context.removeCookie(COOKIE, "/");
    }

    private void refuseTooMany(Context context, String who, int most) {
        Deque<Long> recent = failures.get(who);
        if (recent == null) {
            return;
        }
        synchronized (recent) {
            forgetOld(recent);
            if (recent.size() >= most) {
                context.header("Retry-After", Long.toString(FAILURES_WITHIN.toSeconds()));
                throw new HttpProblemException(429, "Too many wrong passwords; try again in a few minutes");
            }
        }
    }

    private void failed(String who) {
        if (failures.size() > MAX_COUNTED) {
            failures.clear(); // someone is trying names by the thousand; their address is counted again immediately
        }
        Deque<Long> recent = failures.computeIfAbsent(who, each -> new ArrayDeque<>());
        synchronized (recent) {
            forgetOld(recent);
            recent.addLast(System.nanoTime());
        }
    }

    private static void forgetOld(Deque<Long> recent) {
        long now = System.nanoTime();
        while (!recent.isEmpty() && now - recent.peekFirst() > FAILURES_WITHIN.toNanos()) {
            recent.removeFirst();
        }
    }
}
