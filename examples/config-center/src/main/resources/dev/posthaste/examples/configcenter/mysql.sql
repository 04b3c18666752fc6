-- MySQL and MariaDB. Times are UTC.
create table if not exists config (
  id            bigint auto_increment primary key,
  module_name   varchar(64)  not null,
  lang          varchar(16)  not null,
  config_key    varchar(128) not null,
  `desc`        varchar(500) not null,
  config_type   int          not null,
  config_value  longtext     not null,
  config_schema longtext     not null,
  draft_value   longtext,
  version       bigint       not null,
  edit_user     varchar(64)  not null,
  release_user  varchar(64),
  related_users varchar(500) not null,
  created_at    datetime(6)  not null,
  updated_at    datetime(6)  not null,
  constraint config_name unique (module_name, lang, config_key)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists config_history (
  id            bigint auto_increment primary key,
  event_id      varchar(64)  not null,
  config_id     bigint       not null,
  version       bigint       not null,
  module_name   varchar(64)  not null,
  lang          varchar(16)  not null,
  config_key    varchar(128) not null,
  `desc`        varchar(500) not null,
  config_type   int          not null,
  config_value  longtext     not null,
  config_schema longtext     not null,
  edit_user     varchar(64)  not null,
  release_user  varchar(64),
  related_users varchar(500) not null,
  trace_id      varchar(64),
  created_at    datetime(6)  not null,
  recorded_at   datetime(6)  not null,
  constraint config_history_event unique (event_id),
  constraint config_history_version unique (config_id, version)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
