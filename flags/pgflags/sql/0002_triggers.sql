-- pgflags 2: the triggers. They see to it that plain SQL is counted, recorded and told.
--
-- Their functions run as who owns the tables, so that who may change flags need not be
-- allowed to write, and so to forge, the revision and the audit.

-- Writers wait for one another, from before the first row that they lock until they
-- end: revisions are in the order of commits, and two that change the same two flags in
-- another order do not meet in a deadlock. Readers wait for nobody.
CREATE FUNCTION "handover".flag_turn() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT pg_advisory_xact_lock(hashtextextended('pgflags: turn', '"handover".flags'::regclass::oid::bigint))
$$;

CREATE FUNCTION "handover".flag_wait() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM "handover".flag_turn();
	RETURN NULL;
END $$;

CREATE TRIGGER a_wait BEFORE INSERT OR UPDATE OR DELETE ON "handover".flags
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_wait();
CREATE TRIGGER a_wait BEFORE INSERT OR UPDATE ON "handover".flag_sets
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_wait();

CREATE FUNCTION "handover".flag_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = TG_ARGV[0], HINT = TG_ARGV[1];
END $$;

-- TRUNCATE has no rows to record, and who reads meanwhile may see the old revision with
-- the new, empty table: https://www.postgresql.org/docs/current/mvcc-caveats.html
CREATE TRIGGER b_refuse_truncate BEFORE TRUNCATE ON "handover".flags
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_refuse('flags are not truncated', 'Use DELETE, which is recorded.');
CREATE TRIGGER b_refuse_truncate BEFORE TRUNCATE ON "handover".flag_audit
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_refuse('the audit is not truncated', 'Use DELETE for what is old.');
CREATE TRIGGER b_refuse_update BEFORE UPDATE ON "handover".flag_audit
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_refuse('the audit does not change', '');
CREATE TRIGGER b_refuse_delete BEFORE DELETE OR TRUNCATE ON "handover".flag_sets
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_refuse(
	'a set keeps its row, as its revision never goes back', 'Delete its flags.');
CREATE TRIGGER b_refuse_rename BEFORE UPDATE ON "handover".flags
FOR EACH ROW WHEN (OLD.set <> NEW.set OR OLD.key <> NEW.key) EXECUTE FUNCTION "handover".flag_refuse(
	'a flag keeps its set and its key', 'Insert another, and delete this one when nobody reads it any more.');

-- The revision grows by one in each transaction that changes something. A rollback, to a
-- savepoint as well, takes that back.
CREATE FUNCTION "handover".flag_set_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		IF NEW.set <> OLD.set OR NEW.revision < OLD.revision THEN
			RAISE EXCEPTION USING ERRCODE = 'restrict_violation',
				MESSAGE = 'a set keeps its name, and its revision never goes back';
		END IF;
		-- The time as well: transactions of a server that this was restored into have
		-- numbers of their own.
		IF OLD.changed_in <> pg_current_xact_id() OR OLD.updated_at <> now() THEN
			NEW.revision := greatest(NEW.revision, OLD.revision + 1);
		END IF;
	END IF;
	NEW.changed_in := pg_current_xact_id();
	NEW.updated_at := now();
	RETURN NEW;
END $$;

CREATE TRIGGER c_step BEFORE INSERT OR UPDATE ON "handover".flag_sets
FOR EACH ROW EXECUTE FUNCTION "handover".flag_set_step();

CREATE FUNCTION "handover".flag_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.updated_at := now();
	RETURN NEW;
END $$;

CREATE TRIGGER c_stamp_new BEFORE INSERT ON "handover".flags
FOR EACH ROW EXECUTE FUNCTION "handover".flag_stamp();
CREATE TRIGGER c_stamp BEFORE UPDATE ON "handover".flags
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "handover".flag_stamp();

-- Records a change of a row of flags or of flag_sets.
CREATE FUNCTION "handover".flag_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was    jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
	became jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
	of_set text := coalesce(became, was) ->> 'set';
	step   bigint;
BEGIN
	IF TG_TABLE_NAME = 'flags' THEN
		INSERT INTO "handover".flag_sets AS s (set) VALUES (of_set)
		ON CONFLICT (set) DO UPDATE SET set = s.set
		RETURNING revision INTO step;
	ELSE
		step := NEW.revision;
	END IF;
	INSERT INTO "handover".flag_audit (set, revision, key, action, old, new, who, why)
	VALUES (
		of_set, step, coalesce(became, was) ->> 'key', lower(TG_OP), was, became,
		coalesce(nullif(current_setting('handover.who', true), ''), session_user),
		coalesce(nullif(current_setting('handover.why', true), ''), current_setting('application_name'))
	);
	RETURN NULL;
END $$;

CREATE TRIGGER d_record_new_and_old AFTER INSERT OR DELETE ON "handover".flags
FOR EACH ROW EXECUTE FUNCTION "handover".flag_record();
CREATE TRIGGER d_record AFTER UPDATE ON "handover".flags
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "handover".flag_record();

-- Of a set's own row, what was not just the next revision is recorded.
CREATE TRIGGER d_record_new AFTER INSERT ON "handover".flag_sets
FOR EACH ROW WHEN (NEW.metadata <> '{}' OR NEW.evaluators <> '{}' OR NEW.revision > 1)
EXECUTE FUNCTION "handover".flag_record();
CREATE TRIGGER d_record AFTER UPDATE ON "handover".flag_sets
FOR EACH ROW WHEN (
	NEW.metadata <> OLD.metadata OR NEW.evaluators <> OLD.evaluators OR NEW.revision > OLD.revision + 1
) EXECUTE FUNCTION "handover".flag_record();

-- Sent when the transaction commits, and once however often it is asked for.
CREATE FUNCTION "handover".flag_notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_notify('handover_flags', NEW.set);
	RETURN NULL;
END $$;

CREATE TRIGGER e_notify AFTER INSERT OR UPDATE ON "handover".flag_sets
FOR EACH ROW EXECUTE FUNCTION "handover".flag_notify();

INSERT INTO "handover".flag_migrations (version) VALUES (2);
