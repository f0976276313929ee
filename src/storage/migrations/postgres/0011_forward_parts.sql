-- An archive of very many files goes on as several folders, one after the other: how many of them are done. `folder_id` is the
-- first; the journal names each.
ALTER TABLE hub_forward ADD COLUMN parts bigint NOT NULL DEFAULT 1;
