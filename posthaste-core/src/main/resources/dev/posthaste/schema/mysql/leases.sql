-- What relays and operators need beside the outboxes, on MySQL 8 or later.

-- Which relay owns an outbox. The epoch grows with every change of owner.
create table if not exists posthaste_lease (
  outbox     varchar(100) not null primary key,
  owner      varchar(100) not null,         -- empty: released
  epoch      bigint       not null,
  expires_at datetime(6)  not null,
  paused_by  varchar(100)                   -- the operator who paused it: no relay holds it
) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin;

-- Which relays are available for an outbox, so that each takes its fair share.
create table if not exists posthaste_relay (
  relay      varchar(100) not null,
  outbox     varchar(100) not null,
  expires_at datetime(6)  not null,
  definition varchar(255),                  -- what the outbox is to this relay; see docs/OPERATING.md
  primary key (relay, outbox)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin;

-- What operators did: one row for each event or, where a change concerns a whole outbox, one for the change.
create table if not exists posthaste_audit (
  id         bigint       not null auto_increment primary key,
  at         datetime(6)  not null,
  change_id  varchar(64)  not null,         -- the same change has the same id, and is not made twice
  actor      varchar(100) not null,
  action     varchar(16)  not null,
  outbox     varchar(100) not null,
  event_row  bigint       not null,         -- 0: not of one event
  event_id   varchar(64),
  events     bigint       not null,
  reason     varchar(500) not null,
  detail     longtext,
  unique key posthaste_audit_change (change_id, outbox, event_row),
  -- "What was done to this event", "to this outbox".
  key posthaste_audit_event (outbox, event_row, id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin;
