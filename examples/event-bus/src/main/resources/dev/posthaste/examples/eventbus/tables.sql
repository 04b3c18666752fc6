-- The services' own tables. {identity} is this database's syntax for numbered rows. No table forbids duplicates: the
-- check must be able to find them.

-- Agent: how many messages each conversation has, and the history that is written from its events.
create table if not exists conversation (
  id       varchar(64) not null primary key,
  messages int         not null
);
create table if not exists chat_history (
  id           {identity},
  conversation varchar(64) not null,
  seq          int         not null,
  text         varchar(200) not null,
  event_id     varchar(64) not null
);

-- Memory: what was extracted from the history.
create table if not exists memory (
  id           {identity},
  conversation varchar(64) not null,
  seq          int         not null,
  event_id     varchar(64) not null
);

-- Task: how many steps each task has taken, and the log that is written from its events.
create table if not exists task (
  id    varchar(64) not null primary key,
  steps int         not null
);
create table if not exists task_log (
  id       {identity},
  task     varchar(64) not null,
  step     int         not null,
  event_id varchar(64) not null
);
