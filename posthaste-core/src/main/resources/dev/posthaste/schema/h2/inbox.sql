-- What consumers need, on H2.

-- What each consumer has handled.
create table if not exists posthaste_inbox (
  consumer   varchar(100) not null,
  event_id   varchar(64)  not null,
  handled_at timestamp(6) with time zone not null,
  primary key (consumer, event_id)
);

-- Retention's way to old rows.
create index if not exists posthaste_inbox_handled on posthaste_inbox (consumer, handled_at);
