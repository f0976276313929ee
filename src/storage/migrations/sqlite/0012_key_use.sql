-- What still needs a key: asked of every daily key before it is destroyed, and of what moves from one to another. What was
-- purged needs none and leaves the index, so that it stays as small as what is kept.
CREATE INDEX exchange_by_key ON exchange (key_id, id) WHERE purged_at IS NULL;
CREATE INDEX document_by_key ON document (key_id, id) WHERE purged_at IS NULL AND container_id IS NULL;
