-- SQLite. Times are UTC, as ISO 8601 texts. Without autoincrement, SQLite may give a row the id of a deleted one.
create table if not exists config (
  id            integer primary key autoincrement,
  module_name   varchar(64)  not null,
  lang          varchar(16)  not null,
  config_key    varchar(128) not null,
  "desc"        varchar(500) not null,
  config_type   int          not null,
  config_value  text         not null,
  config_schema text         not null,
  draft_value   text,
  version       bigint       not null,
  edit_user     varchar(64)  not null,
  release_user  varchar(64),
  related_users varchar(500) not null,
  created_at    text         not null,
  updated_at    text         not null,
  constraint config_name unique (module_name, lang, config_key)
);

create table if not exists config_history (
  id            integer primary key autoincrement,
  event_id      varchar(64)  not null,
  config_id     bigint       not null,
  version       bigint       not null,
  module_name   varchar(64)  not null,
  lang          varchar(16)  not null,
  config_key    varchar(128) not null,
  "desc"        varchar(500) not null,
  config_type   int          not null,
  config_value  text         not null,
  config_schema text         not null,
  edit_user     varchar(64)  not null,
  release_user  varchar(64),
  related_users varchar(500) not null,
  trace_id      varchar(64),
  created_at    text         not null,
  recorded_at   text         not null,
  constraint config_history_event unique (event_id),
  constraint config_history_version unique (config_id, version)
);
