-- An outbox of Posthaste on SQLite 3.43 or later. Replace posthaste_outbox by the outbox's table.
-- Times are milliseconds since 1970; datetime(created_at / 1000, 'unixepoch') shows them. The table is strict, so
-- integers hold nothing else. The payload is last, so that the other columns are read without it.
create table if not exists "posthaste_outbox" (
  id              integer primary key autoincrement, -- the order of publication; ids are never given out twice
  event_id        text    not null,
  event_type      text    not null,
  event_version   text    not null default 'v1',
  event_key       text,                     -- order is kept within a key; null: no order asked
  destination     text,                     -- overrides the route
  routing_key     text,
  status          text    not null default 'pending', -- pending, published, consumed, dead
  attempts        integer not null default 0,
  max_attempts    integer,
  generation      integer not null default 0, -- how often it was requeued
  next_attempt_at integer,                  -- null: due now
  last_error      text,
  created_at      integer not null default (cast(round(unixepoch('now', 'subsec') * 1000) as integer)),
  published_at    integer,
  consumed_at     integer,
  updated_at      integer not null default (cast(round(unixepoch('now', 'subsec') * 1000) as integer)),
  headers         text,                     -- JSON object
  payload         text    not null
) strict;

-- An event is written once.
create unique index if not exists "posthaste_outbox_event_id" on "posthaste_outbox" (event_id);

-- "Pending, in id order". It holds pending rows alone.
create index if not exists "posthaste_outbox_pending" on "posthaste_outbox" (id) where status = 'pending';

-- "Dead, in id order". Empty in good times, so it costs nothing.
create index if not exists "posthaste_outbox_dead" on "posthaste_outbox" (id) where status = 'dead';
