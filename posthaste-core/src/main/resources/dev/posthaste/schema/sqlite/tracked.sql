
-- For an outbox whose consumers send receipts: "published and not consumed yet". It holds those rows alone.
create index if not exists posthaste_outbox_published on "posthaste_outbox" (id) where status = 'published';
