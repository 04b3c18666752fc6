-- What consumers need, on MySQL 8 or later.

-- Texts are compared byte by byte. Before 8.0.17 MySQL has no such collation that distinguishes trailing blanks.
-- What each consumer has handled.
create table if not exists posthaste_inbox (
  consumer   varchar(100) not null,
  event_id   varchar(64)  not null,
  handled_at datetime(6)  not null,
  primary key (consumer, event_id),
  -- Retention's way to old rows.
  key posthaste_inbox_handled (consumer, handled_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin /*!80017 collate utf8mb4_0900_bin */;
