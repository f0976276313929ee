-- A partner that has said of an address of its own that it is gone (410) is not called there any more: the digest of that address.
ALTER TABLE callback_target ADD COLUMN gone bytea;
