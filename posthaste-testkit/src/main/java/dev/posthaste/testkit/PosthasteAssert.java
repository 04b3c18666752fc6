package dev.posthaste.testkit;

import java.util.List;
import org.assertj.core.api.AbstractAssert;

/** What a test wrote, including in a transaction that is still open: see {@link PosthasteTester#written}. */
public final class PosthasteAssert extends AbstractAssert<PosthasteAssert, PosthasteTester> {
    PosthasteAssert(PosthasteTester tester) {
        super(tester, PosthasteAssert.class);
    }

    /** At least one event of this type was written; the methods that follow select which. */
    public WrittenEventAssert wrote(String type) {
        List<WrittenEvent> written = actual.written();
        List<WrittenEvent> ofType =
                written.stream().filter(event -> event.type().equals(type)).toList();
        if (ofType.isEmpty()) {
            throw failure("Expected an event of type %s, but %s", type, seen(written));
        }
        return new WrittenEventAssert(ofType, "an event of type " + type);
    }

    /** No event at all was written. */
    public void wroteNothing() {
        List<WrittenEvent> written = actual.written();
        if (!written.isEmpty()) {
            throw failure("Expected no event, but %s", seen(written));
        }
    }

    static String seen(List<WrittenEvent> events) {
        StringBuilder seen = new StringBuilder(events.isEmpty() ? "nothing was written" : "what was written is:");
        events.forEach(event -> seen.append("\n  ").append(event));
        return seen.toString();
    }
}
