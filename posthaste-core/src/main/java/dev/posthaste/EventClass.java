package dev.posthaste;

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the annotations of an event class say, read once for each class. Thread-safe.
 *
 * @param keyMember null if the class has no key
 */
record EventClass(String type, String version, @Nullable Member keyMember) {
    private static final ClassValue<EventClass> READ = new ClassValue<>() {
        @Override
        protected EventClass computeValue(Class<?> annotated) {
            return read(annotated);
        }
    };

    /** @throws IllegalArgumentException if the class is not annotated, or marks more than one member as its key */
    static EventClass of(Class<?> annotated) {
        return READ.get(annotated);
    }

    private static EventClass read(Class<?> annotated) {
        OutboxEvent event = annotated.getAnnotation(OutboxEvent.class);
        if (event == null) {
            throw new IllegalArgumentException(annotated.getName() + " is not annotated with @OutboxEvent");
        }
        return new EventClass(event.value(), event.version(), keyOf(annotated));
    }

    private static @Nullable Member keyOf(Class<?> annotated) {
        Map<String, Member> members =
                new LinkedHashMap<>(); // a record's component annotates its field and its accessor
        add(members, annotated);
        if (members.size() > 1) {
            throw new IllegalArgumentException(
                    annotated.getName() + " marks more than one member with @EventKey: " + members.keySet());
        }
        return members.isEmpty() ? null : members.values().iterator().next();
    }

    private static void add(Map<String, Member> members, Class<?> type) {
        for (Field field : type.getDeclaredFields()) {
            add(members, field, field);
        }
        for (Method method : type.getDeclaredMethods()) {
            add(members, method, method);
        }
        if (type.getSuperclass() != null) {
            add(members, type.getSuperclass());
        }
        for (Class<?> each : type.getInterfaces()) {
            add(members, each);
        }
    }

    private static <M extends AccessibleObject & Member> void add(Map<String, Member> members, M member, Member same) {
        if (!member.isAnnotationPresent(EventKey.class) || same.isSynthetic()) {
            return;
        }
        if (Modifier.isStatic(same.getModifiers())
                || (same instanceof Method method
                        && (method.getParameterCount() > 0 || method.getReturnType() == void.class))) {
            throw new IllegalArgumentException(
                    "@EventKey is on " + same
                            + "; it belongs on a record component, a field, or a method that returns the key and has no parameters");
        }
        if (!members.containsKey(same.getName())) {
            member.setAccessible(true);
            members.put(same.getName(), same);
        }
    }

    @Nullable
    String key(Object event) {
        Object key = read(event);
        return key == null ? null : key.toString();
    }

    private @Nullable Object read(Object event) {
        try {
            if (keyMember instanceof Method method) {
                return method.invoke(event);
            }
            return keyMember instanceof Field field ? field.get(event) : null;
        } catch (IllegalAccessException e) {
            throw new IllegalArgumentException("The key of " + type + " cannot be read from " + keyMember, e);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException("The key of " + type + ": " + keyMember + " failed", e.getCause());
        }
    }
}
