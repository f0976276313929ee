-- The software that created an organisation or a process, as its headers named it (R4): JSON, `null` where they named none. That
-- of subscriptions, folders and events is in what is sealed of them.
ALTER TABLE hub_organization ADD COLUMN partner_info jsonb NOT NULL DEFAULT 'null';
ALTER TABLE hub_process ADD COLUMN partner_info jsonb NOT NULL DEFAULT 'null';
