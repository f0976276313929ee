-- Why a client asks for a return again is the client's free text: sealed under the exchange's key, and gone with it. The journal
-- only keeps that a reason was given.
ALTER TABLE redelivery ADD COLUMN reason bytea;
ALTER TABLE redelivery ADD COLUMN key_id uuid;
