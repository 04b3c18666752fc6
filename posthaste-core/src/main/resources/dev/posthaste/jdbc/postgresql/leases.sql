-- What relays need beside the outboxes, on PostgreSQL.

-- Which relay owns an outbox. The epoch grows with every change of owner.
create table if not exists posthaste_lease (
  outbox     varchar(100) primary key,
  owner      varchar(100) not null,          -- empty: given back
  epoch      bigint       not null,
  expires_at timestamptz(6) not null
) with (fillfactor = 50);

-- Which relays stand ready for an outbox, so that each takes its fair share.
create table if not exists posthaste_relay (
  relay      varchar(100) not null,
  outbox     varchar(100) not null,
  expires_at timestamptz(6) not null,
  primary key (relay, outbox)
) with (fillfactor = 50);
