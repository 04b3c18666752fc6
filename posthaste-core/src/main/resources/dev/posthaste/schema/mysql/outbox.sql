-- An outbox of Posthaste on MySQL 8 or later. Replace posthaste_outbox by the outbox's table. Times are UTC.
-- Texts are compared byte by byte. Before 8.0.17 MySQL has no such collation that distinguishes trailing blanks.
create table if not exists `posthaste_outbox` (
  id              bigint       not null auto_increment primary key, -- the order of publication
  event_id        varchar(64)  not null,
  event_type      varchar(128) not null,
  event_version   varchar(16)  not null default 'v1',
  event_key       varchar(128),             -- order is kept within a key; null: no order asked
  destination     varchar(255),             -- overrides the route
  routing_key     varchar(255),
  headers         mediumtext,               -- JSON object
  payload         longtext     not null,
  status          varchar(16)  character set ascii collate ascii_bin not null default 'pending', -- pending, published, consumed, dead
  attempts        int          not null default 0,
  max_attempts    int,
  generation      int          not null default 0, -- how often it was requeued
  next_attempt_at datetime(6),              -- null: due now
  last_error      varchar(2000),
  created_at      datetime(6)  not null,
  published_at    datetime(6),
  consumed_at     datetime(6),
  updated_at      datetime(6)  not null,
  -- An event is written once.
  unique key `posthaste_outbox_event_id` (event_id),
  -- "Pending, in id order", "dead".
  key `posthaste_outbox_pending` (status, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin /*!80017 collate utf8mb4_0900_bin */;
