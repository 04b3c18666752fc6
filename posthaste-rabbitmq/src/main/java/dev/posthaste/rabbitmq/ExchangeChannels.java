package dev.posthaste.rabbitmq;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The channels of a connection, one for each exchange, and no more than the connection allows. Not thread-safe: every
 * method is called under the session's lock.
 */
final class ExchangeChannels {
    /** RabbitMQ keeps several processes for each channel. */
    private static final int MAX_CHANNELS = 256;

    private final int max;
    /** Ordered by use, the longest unused first. */
    private final Map<String, ExchangeChannel> byExchange = new LinkedHashMap<>(16, 0.75f, true);
    /** A channel that another has replaced in {@link #byExchange} is in here until it is closed. */
    private final Set<ExchangeChannel> open = new LinkedHashSet<>();

    /** @param channelMax how many channels the connection allows, 0 for no limit */
    ExchangeChannels(int channelMax) {
        this.max = channelMax == 0 ? MAX_CHANNELS : Math.max(1, Math.min(MAX_CHANNELS, channelMax - 1));
    }

    /** The exchange's channel, which may be closed by now; null if it has none. */
    @Nullable
    ExchangeChannel of(String exchange) {
        return byExchange.get(exchange);
    }

    void add(ExchangeChannel channel) {
        byExchange.put(channel.exchange(), channel);
        open.add(channel);
    }

    void remove(ExchangeChannel channel) {
        open.remove(channel);
        byExchange.remove(channel.exchange(), channel);
    }

    /** Whether another channel can be opened, perhaps in place of an idle one. */
    boolean haveRoom() {
        return byExchange.size() < max || byExchange.values().stream().anyMatch(ExchangeChannel::isIdle);
    }

    /** The idle channel to close before another is opened: the longest unused. Null if none need be closed. */
    @Nullable
    ExchangeChannel toClose() {
        Iterator<ExchangeChannel> longestUnused = byExchange.values().iterator();
        while (byExchange.size() >= max && longestUnused.hasNext()) {
            ExchangeChannel each = longestUnused.next();
            if (each.isIdle()) {
                return each;
            }
        }
        return null;
    }

    /** All that are open, or were a moment ago. */
    List<ExchangeChannel> open() {
        return List.copyOf(open);
    }

    /** Takes everything that is unconfirmed on any channel out of the window. */
    List<ExchangeChannel.Outstanding> takeAll(int expected) {
        List<ExchangeChannel.Outstanding> all = new ArrayList<>(expected);
        open.forEach(channel -> all.addAll(channel.takeAll()));
        return all;
    }
}
