package dev.posthaste.reliability.torture;

import dev.posthaste.Event;
import dev.posthaste.broker.MessageHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The content of an event: plain, sometimes hostile, and always such that its handler can tell whether all of it
 * arrived as written. A payload is {@code key|version|event id|checksum of the headers|padding|checksum of all that}.
 */
final class Content {
    /** None of these contains an ASCII blank, a line feed or {@code |}: histories and payloads are split at those. */
    private static final List<String> HOSTILE =
            List.of("", "😀", "'\"`\\", "%_", "{}[]", "<&>", "ß", "\u0130", "e\u0301", "\u202e", "\u200b\ufeff", "$1?");

    private static final List<String> HEADER_NAMES =
            List.of("größe", "😀".repeat(63), "'; --", " ", "Posthaste-Row", MessageHeaders.POSITION, "traceparent");
    private static final List<String> HEADER_VALUES =
            List.of("", " ", "null", "1", "\r\n\u0001", "\"\\\u2028", "😀".repeat(2048), "{\"a\":[");

    /** RabbitMQ accepts no text in a header of this name; Kafka does. */
    private static final String NOT_FOR_RABBITMQ = "CC";

    private static final int ATTEMPTS_WITH_LARGE_HEADERS = 3;
    private static final int LARGE_CHARACTERS = 250_000;

    private Content() {}

    /** Several differ only in ways that some databases do not distinguish. */
    static String key(int aggregate) {
        int group = aggregate / 10;
        return switch (aggregate % 10) {
            case 1 -> "KEY-" + group;
            case 2 -> "Key-" + group;
            case 3 -> "Key-" + group + " ";
            case 4 -> " Key-" + group;
            case 5 -> "K\u00e9y-" + group;
            case 6 -> "Ke\u0301y-" + group;
            case 7 -> "'; drop table orders; -- %_\\" + group;
            case 8 -> "😀".repeat(60) + group;
            default -> "key-" + aggregate;
        };
    }

    /** @param number of the writer's transaction */
    static String transaction(String writer, long number) {
        return writer + "-" + number + HOSTILE.get((int) (number % HOSTILE.size()));
    }

    /**
     * An aggregate's event; with headers if the table has room for them.
     *
     * @param oddDestination the destination of events of the odd type, or null for the usual one
     */
    static Event event(
            OutboxTable table, String id, int aggregate, long version, long random, @Nullable String oddDestination) {
        boolean odd = random % 7 == 0;
        Map<String, String> headers = table.takesHeaders() ? headers(version, random) : Map.of();
        String text = payload(id, aggregate, version, headers, padding(version, random));
        Event event = Event.of(odd ? Setup.ODD_TYPE : Setup.TYPE, key(aggregate), table.payload(text))
                .id(id)
                .headers(headers);
        if (odd && oddDestination != null) {
            event = event.destination(oddDestination);
        }
        if (version % 100 == 0) {
            event = event.attempts(1); // some die of the first refusal
        }
        if (hasLargeHeaders(version)) { // a server with larger frames could accept it, so it is not dead immediately
            event = event.attempts(ATTEMPTS_WITH_LARGE_HEADERS);
        }
        return event;
    }

    /** An event of the campaign itself, without anything unusual. */
    static Event plain(OutboxTable table, String id, int aggregate, String key, long version) {
        return plain(table, id, aggregate, key, version, "plain");
    }

    static Event plain(OutboxTable table, String id, int aggregate, String key, long version, String padding) {
        String text = payload(id, aggregate, version, Map.of(), padding);
        return Event.of(Setup.TYPE, key, table.payload(text)).id(id);
    }

    private static String padding(long version, long random) {
        if (version % 1009 == 0) {
            return "x".repeat(LARGE_CHARACTERS);
        }
        String unit = version % 13 == 0
                ? HOSTILE.get((int) (version / 13 % HOSTILE.size())) + "\n \t\u0001|"
                : Long.toHexString(random);
        return unit.repeat(1 + (int) (Math.abs(random + version) % 20));
    }

    /** Headers of 132,000 bytes: more than one of RabbitMQ's frames. */
    private static boolean hasLargeHeaders(long version) {
        return version % 999 == 80;
    }

    private static Map<String, String> headers(long version, long random) {
        if (hasLargeHeaders(version)) {
            Map<String, String> headers = new TreeMap<>();
            for (int i = 0; i < 11; i++) {
                headers.put("large-" + i, "€".repeat(4_000));
            }
            return headers;
        }
        if (version % 499 == 60) {
            return Map.of(NOT_FOR_RABBITMQ, "somebody@example.com");
        }
        if (version % 17 != 0) {
            return Map.of();
        }
        return Map.of(pick(HEADER_NAMES, version / 17), pick(HEADER_VALUES, random));
    }

    private static String pick(List<String> of, long number) {
        return of.get((int) Math.floorMod(number, of.size()));
    }

    private static String payload(String id, int aggregate, long version, Map<String, String> headers, String padding) {
        String text = aggregate + "|" + version + "|" + id + "|" + checksum(headers) + "|" + padding;
        return text + "|" + checksum(text);
    }

    /** An event's content as its handler reads it. */
    record Read(int aggregate, long version, boolean whole) {}

    /** @param headers of the message, with those that Posthaste adds */
    static Read read(String eventId, String payloadAsItCame, Map<String, String> headers) {
        String payload = OutboxTable.text(payloadAsItCame);
        int end = payload.lastIndexOf('|');
        String[] parts = payload.split("\\|", 5);
        boolean whole = checksum(payload.substring(0, end)).equals(payload.substring(end + 1))
                && parts[2].equals(eventId)
                && parts[3].equals(checksum(headers));
        return new Read(Integer.parseInt(parts[0]), Long.parseLong(parts[1]), whole);
    }

    /** The checksum of the event's own headers: RabbitMQ's messages also have a content type. */
    private static String checksum(Map<String, String> headers) {
        return checksum(new TreeMap<>(headers)
                .entrySet().stream()
                        .filter(each -> !MessageHeaders.isReserved(each.getKey())
                                && !each.getKey().equals("content-type"))
                        .map(Object::toString)
                        .collect(Collectors.joining("\n")));
    }

    private static String checksum(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return Long.toHexString(crc.getValue());
    }
}
