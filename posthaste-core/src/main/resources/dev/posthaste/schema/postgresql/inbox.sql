-- What consumers need, on PostgreSQL.

-- What each consumer has handled.
create table if not exists posthaste_inbox (
  consumer   varchar(100) not null,
  event_id   varchar(64)  not null,
  handled_at timestamptz(6) not null,
  primary key (consumer, event_id)
);

-- Retention's way to old rows.
create index if not exists posthaste_inbox_handled on posthaste_inbox (consumer, handled_at);
