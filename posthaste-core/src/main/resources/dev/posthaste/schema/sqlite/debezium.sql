-- The outbox table of Debezium's outbox event router on SQLite, for development, with what a relay needs.
create table if not exists "posthaste_outbox" (
  "position"        integer primary key autoincrement, -- the order of publication
  "id"              text    not null unique,  -- the event's identity
  "aggregatetype"   text    not null,         -- after outbox.event. the topic
  "aggregateid"     text    not null,         -- order is kept within it
  "type"            text    not null,
  "status"          text    not null default 'pending', -- pending, published, consumed, dead
  "attempts"        integer not null default 0,
  "max_attempts"    integer,
  "next_attempt_at" integer,                  -- milliseconds since 1970; null: due now
  "last_error"      text,
  "created_at"      integer not null default (cast(round(unixepoch('now', 'subsec') * 1000) as integer)),
  "published_at"    integer,
  "consumed_at"     integer,
  "updated_at"      integer not null default (cast(round(unixepoch('now', 'subsec') * 1000) as integer)),
  "payload"         text
) strict;

-- "Pending, in order of position", "dead", each alone.
create index if not exists "posthaste_outbox_pending" on "posthaste_outbox" ("position") where "status" = 'pending';
create index if not exists "posthaste_outbox_dead" on "posthaste_outbox" ("position") where "status" = 'dead';
