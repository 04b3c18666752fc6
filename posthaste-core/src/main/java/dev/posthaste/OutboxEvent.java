package dev.posthaste;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the event type of a class, whose objects are the payloads; those of its subclasses too.
 *
 * <pre>{@code
 * @OutboxEvent("order.placed")
 * record OrderPlaced(@EventKey String orderId, String product, int amount) {}
 * }</pre>
 *
 * @see Event#of(Object)
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface OutboxEvent {
    /** The event type, as the catalog has it. */
    String value();

    /** The version of the payload's schema. */
    String version() default "v1";
}
