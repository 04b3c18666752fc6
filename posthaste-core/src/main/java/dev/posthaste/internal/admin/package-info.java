/**
 * Behind {@link dev.posthaste.admin}: {@link dev.posthaste.internal.admin.StoreOutboxAdmin} does what operators ask, with an
 * {@link dev.posthaste.internal.admin.OperatorStore}; and what replays need of both. Not part of the API.
 */
@NullMarked
package dev.posthaste.internal.admin;

import org.jspecify.annotations.NullMarked;
