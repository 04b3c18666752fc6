-- What relays need beside the outboxes, on MariaDB 10.6 or later.

-- Which relay owns an outbox. The epoch grows with every change of owner.
create table if not exists posthaste_lease (
  outbox     varchar(100) not null primary key,
  owner      varchar(100) not null,         -- empty: given back
  epoch      bigint       not null,
  expires_at datetime(6)  not null
) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin;

-- Which relays stand ready for an outbox, so that each takes its fair share.
create table if not exists posthaste_relay (
  relay      varchar(100) not null,
  outbox     varchar(100) not null,
  expires_at datetime(6)  not null,
  primary key (relay, outbox)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin;
