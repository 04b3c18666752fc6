-- What consumers need, on SQLite.

-- What each consumer has handled.
create table if not exists posthaste_inbox (
  consumer   text    not null,
  event_id   text    not null,
  handled_at integer not null,              -- milliseconds since 1970
  primary key (consumer, event_id)
) strict, without rowid;

-- Retention's way to old rows.
create index if not exists posthaste_inbox_handled on posthaste_inbox (consumer, handled_at);
