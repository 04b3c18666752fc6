-- What relays and operators need beside the outboxes, on SQLite. Times are milliseconds since 1970.

-- Which relay owns an outbox. The epoch grows with every change of owner.
create table if not exists posthaste_lease (
  outbox     text    primary key not null,
  owner      text    not null,              -- empty: released
  epoch      integer not null,
  expires_at integer not null,
  paused_by  text                           -- the operator who paused it: no relay holds it
) strict, without rowid;

-- Which relays are available for an outbox, so that each takes its fair share.
create table if not exists posthaste_relay (
  relay      text    not null,
  outbox     text    not null,
  expires_at integer not null,
  definition text,                          -- what the outbox is to this relay; see docs/OPERATING.md
  primary key (relay, outbox)
) strict, without rowid;

-- What operators did: one row for each event or, where a change concerns a whole outbox, one for the change.
create table if not exists posthaste_audit (
  id         integer primary key autoincrement,
  at         integer not null,
  change_id  text    not null,              -- the same change has the same id, and is not made twice
  actor      text    not null,
  action     text    not null,
  outbox     text    not null,
  event_row  integer not null,              -- 0: not of one event
  event_id   text,
  events     integer not null,
  reason     text    not null,
  detail     text,
  constraint posthaste_audit_change unique (change_id, outbox, event_row)
) strict;

-- "What was done to this event", "to this outbox".
create index if not exists posthaste_audit_event on posthaste_audit (outbox, event_row, id);
