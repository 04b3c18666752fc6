-- The outbox table of Debezium's outbox event router on MySQL 8 or later, with what a relay needs. Times are
-- those of the server's sessions: its writers provide none.
-- If the table exists, add the columns from "position" on with ALTER TABLE … ADD COLUMN, each as it is defined here, and
-- the keys. Its writers are not affected. First, give the rows that Debezium has published the status 'published':
--   alter table posthaste_outbox add column status varchar(16) character set ascii collate ascii_bin not null
--     default 'published';
--   alter table posthaste_outbox alter column status set default 'pending';
-- Texts are compared byte by byte. Before 8.0.17 MySQL has no such collation that distinguishes trailing blanks.
create table if not exists `posthaste_outbox` (
  `id`            varchar(64)  not null primary key, -- the event's identity
  `aggregatetype` varchar(255) not null,    -- after outbox.event. the topic
  `aggregateid`   varchar(255) not null,    -- order is kept within it
  `type`          varchar(255) not null,
  `payload`       json,
  `position`      bigint       not null auto_increment, -- the order of publication
  status          varchar(16)  character set ascii collate ascii_bin not null default 'pending', -- pending, published, consumed, dead
  attempts        int          not null default 0,
  max_attempts    int,
  next_attempt_at datetime(6),              -- null: due now
  last_error      varchar(2000),
  created_at      datetime(6)  not null default current_timestamp(6),
  published_at    datetime(6),
  consumed_at     datetime(6),
  updated_at      datetime(6)  not null default current_timestamp(6),
  unique key `posthaste_outbox_position` (`position`),
  -- "Pending, in order of position", "dead".
  key `posthaste_outbox_pending` (status, `position`)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin /*!80017 collate utf8mb4_0900_bin */;
