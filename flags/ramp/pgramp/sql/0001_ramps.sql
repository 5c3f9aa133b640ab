-- pgramp 1: the tables, beside those of pgflags. PostgreSQL 13 or later.
--
-- "handover", in quotes, is the schema, and nothing else: replace it to have another.

DO $$
BEGIN
	IF to_regclass('"handover".flags') IS NULL OR to_regclass('"handover".flag_audit') IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table',
			MESSAGE = 'the tables of pgflags are not there', HINT = 'Migrate those first.';
	END IF;
END $$;

CREATE TABLE "handover".ramp_migrations (
	version    integer PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row a process, for as long as it renews it.
CREATE TABLE "handover".ramp_instances (
	set        text NOT NULL,
	id         text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
	version    text NOT NULL,    -- of the code
	stale      boolean NOT NULL, -- the source does not stand by its flags
	flags      jsonb NOT NULL,   -- that it declares: type, and the version of the set in force
	guards     jsonb NOT NULL,   -- what they say, by flag
	joined_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (set, id)
);

-- One row a set: who takes the steps.
CREATE TABLE "handover".ramp_leaders (
	set        text PRIMARY KEY,
	id         text NOT NULL,
	since      timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
);

-- One row a ramp. People change state and why; what else is in it the leader writes.
CREATE TABLE "handover".ramps (
	set      text NOT NULL DEFAULT 'default',
	key      text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
	state    text NOT NULL CHECK (state IN ('running', 'paused', 'stopped', 'done')),
	share    numeric,            -- where the leader has left the flag; none: wherever it is
	revision bigint NOT NULL,    -- that the present step has made: who has it has adopted the step
	since    timestamptz NOT NULL DEFAULT clock_timestamp(), -- the present step began
	why      text NOT NULL,
	evidence jsonb,              -- of the last change
	number   bigint NOT NULL DEFAULT 1, -- of changes
	PRIMARY KEY (set, key)
);

-- One row a change; written by a trigger only, and never changed.
CREATE TABLE "handover".ramp_audit (
	id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	set  text NOT NULL,
	key  text NOT NULL,
	old  jsonb,
	new  jsonb,
	who  text NOT NULL, -- the setting handover.who, or else session_user
	why  text NOT NULL, -- the setting handover.why, or else application_name
	role text NOT NULL DEFAULT session_user,
	at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON "handover".ramp_audit (set, key, id);

-- What guards have counted, for the leader, who adds it up. Kept for an hour.
CREATE TABLE "handover".ramp_samples (
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	set      text NOT NULL,
	instance text NOT NULL,
	number   bigint NOT NULL, -- of the instance's samples: one that is told twice is here once
	key      text NOT NULL,
	sample   jsonb NOT NULL,
	at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	UNIQUE (set, instance, number)
);
CREATE INDEX ON "handover".ramp_samples (at);

-- In the order that writers of flags wait in, so that nobody meets in a deadlock.
CREATE TRIGGER a_wait BEFORE INSERT OR UPDATE OR DELETE ON "handover".ramps
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_wait();
CREATE TRIGGER b_refuse_update BEFORE UPDATE OR TRUNCATE ON "handover".ramp_audit
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_refuse('the audit does not change', 'Use DELETE for what is old.');
CREATE TRIGGER b_refuse_truncate BEFORE TRUNCATE ON "handover".ramps
FOR EACH STATEMENT EXECUTE FUNCTION "handover".flag_refuse('ramps are not truncated', 'Use DELETE, which is recorded.');
CREATE TRIGGER b_refuse_rename BEFORE UPDATE ON "handover".ramps
FOR EACH ROW WHEN (OLD.set <> NEW.set OR OLD.key <> NEW.key) EXECUTE FUNCTION "handover".flag_refuse(
	'a ramp keeps its set and its key', 'Delete it: the next one begins by itself.');

-- A ramp that a person lets go on does so from wherever the flag is, and bakes anew.
CREATE FUNCTION "handover".ramp_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.number := OLD.number + 1;
	IF NEW.why = OLD.why THEN
		NEW.why := coalesce(nullif(current_setting('handover.why', true), ''), current_setting('application_name'));
	END IF;
	IF NEW.state = 'running' AND OLD.state <> 'running' THEN
		IF EXISTS (SELECT FROM "handover".flags f WHERE f.set = NEW.set AND f.key = NEW.key AND f.killed) THEN
			RAISE EXCEPTION USING ERRCODE = 'restrict_violation',
				MESSAGE = 'the flag is killed', HINT = 'Take the kill back first, with the share that it shall begin with.';
		END IF;
		NEW.share := NULL;
		NEW.since := clock_timestamp();
		NEW.revision := coalesce((SELECT s.revision FROM "handover".flag_sets s WHERE s.set = NEW.set), NEW.revision);
	END IF;
	RETURN NEW;
END $$;

CREATE TRIGGER c_change BEFORE UPDATE ON "handover".ramps
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "handover".ramp_change();

CREATE FUNCTION "handover".ramp_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was    jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
	became jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
	INSERT INTO "handover".ramp_audit (set, key, old, new, who, why) VALUES (
		coalesce(became, was) ->> 'set', coalesce(became, was) ->> 'key', was, became,
		coalesce(nullif(current_setting('handover.who', true), ''), session_user),
		coalesce(nullif(current_setting('handover.why', true), ''), became ->> 'why', current_setting('application_name'))
	);
	RETURN NULL;
END $$;

CREATE TRIGGER d_record_new_and_old AFTER INSERT OR DELETE ON "handover".ramps
FOR EACH ROW EXECUTE FUNCTION "handover".ramp_record();
CREATE TRIGGER d_record AFTER UPDATE ON "handover".ramps
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "handover".ramp_record();

INSERT INTO "handover".ramp_migrations (version) VALUES (1);
