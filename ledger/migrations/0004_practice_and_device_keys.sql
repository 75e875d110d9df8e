-- Practice keys and the numbers they speak for, which no money ever has; the key that a device signs with.

ALTER TABLE signing_keys DROP CONSTRAINT signing_keys_purpose_check;
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_purpose_check CHECK (purpose IN ('pass', 'receipt', 'practice'));

-- 1099510579200 is keys.passes.PRACTICE_FIRST. NOT VALID: the rows there are looked at by the next file, under a
-- lock that lets scans go on.
ALTER TABLE booklet_counter ADD CONSTRAINT booklet_counter_no_practice CHECK (next_booklet <= 1099510579200);
ALTER TABLE batches ADD CONSTRAINT batches_no_practice CHECK (first_booklet + booklet_count <= 1099510579200);
ALTER TABLE booklets ADD CONSTRAINT booklets_no_practice CHECK (number < 1099510579200) NOT VALID;
ALTER TABLE acceptances ADD CONSTRAINT acceptances_no_practice CHECK (booklet < 1099510579200) NOT VALID;

-- A point of P-256 as SEC 1 writes it, uncompressed; null: a device that signs nothing.
ALTER TABLE devices ADD COLUMN public_key bytea
    CHECK (octet_length(public_key) = 65 AND get_byte(public_key, 0) = 4);

CREATE FUNCTION refuse_device_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.token_sha256, NEW.public_key) IS DISTINCT FROM (OLD.token_sha256, OLD.public_key) THEN
        RAISE EXCEPTION 'a device keeps the token and the key it was enrolled with; revoke it and enrol another'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER devices_keep_key BEFORE UPDATE ON devices FOR EACH ROW EXECUTE FUNCTION refuse_device_key_change();
