-- The answer's headers and the partner's own id of it are the partner's free text: sealed as JSON under the exchange's key, like
-- the body. `headers` and `partner_reference` hold those of before; nothing more is written there.
ALTER TABLE acknowledgment ADD COLUMN told BLOB;
