-- change 1: the tables. PostgreSQL 14 or later.
--
-- "handover", in quotes, is the schema, and nothing else: replace it to have another.

DO $$
BEGIN
	-- CREATE SCHEMA IF NOT EXISTS asks for the right to create one even if it exists.
	IF to_regnamespace('"handover"') IS NULL THEN
		CREATE SCHEMA "handover";
	END IF;
END $$;

CREATE TABLE "handover".change_migrations (
	version    integer PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- A change is columns that are being replaced, and how far that has come. Stages are
-- 1 old, 2 dual-write, 3 read-new, 4 new.
CREATE TABLE "handover".changes (
	name       text PRIMARY KEY,
	id         integer GENERATED ALWAYS AS IDENTITY UNIQUE, -- of the fence's sequence and function
	columns    jsonb NOT NULL,                  -- dbcompat.Columns: who joins has the same ones
	stage      smallint NOT NULL DEFAULT 1 CHECK (stage BETWEEN 1 AND 4),
	epoch      bigint NOT NULL DEFAULT 1,       -- one more with each move, in either direction
	settled_at timestamptz DEFAULT clock_timestamp(), -- since when nobody is, or can write, in an earlier epoch; NULL: somebody may
	was_new    boolean NOT NULL DEFAULT false,  -- since then old has been left alone: below read-new takes a verification of old
	fenced     boolean NOT NULL DEFAULT false,
	hidden_at  timestamptz,                     -- the old columns have other names since then
	dropped_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- An instance is a process with a lease. It is at the stage of the epoch that it has
-- acknowledged: none of its transactions is of an earlier one. It may have some of the
-- next, which is that of the change.
CREATE TABLE "handover".change_instances (
	change     text NOT NULL REFERENCES "handover".changes (name) ON DELETE CASCADE,
	id         text NOT NULL,                   -- random, new with each join
	name       text NOT NULL,                   -- host and process, for people
	version    text NOT NULL,                   -- of the program
	min_stage  smallint NOT NULL CHECK (min_stage BETWEEN 1 AND 4), -- what its code can do
	max_stage  smallint NOT NULL CHECK (max_stage BETWEEN 1 AND 4),
	stage      smallint NOT NULL,               -- acknowledged
	epoch      bigint NOT NULL,
	joined_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at timestamptz NOT NULL,            -- by this server's clock, as all times here are
	PRIMARY KEY (change, id)
) WITH (fillfactor = 50);

-- Writers and readers that know nothing of all this, by their application_name or role:
-- versions from before it, a job, a connector, a report.
CREATE TABLE "handover".change_unmanaged (
	change      text NOT NULL REFERENCES "handover".changes (name) ON DELETE CASCADE,
	kind        text NOT NULL CHECK (kind IN ('writer', 'reader')),
	name        text NOT NULL,
	declared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (change, kind, name)
);

-- What has happened, and what was known when it did. It outlives the change.
CREATE TABLE "handover".change_events (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	change     text NOT NULL,
	at         timestamptz NOT NULL DEFAULT clock_timestamp(),
	actor      text NOT NULL,
	what       text NOT NULL,                   -- created, advanced, rolled back, counted out, hidden, …
	from_stage smallint,
	to_stage   smallint,
	epoch      bigint NOT NULL,
	evidence   jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX ON "handover".change_events (change, id);

-- At most two neighbouring stages live at a time. Each move is by one, from an epoch
-- that is settled, whoever makes it: plain SQL too.
CREATE FUNCTION "handover".change_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.stage = OLD.stage AND NEW.epoch = OLD.epoch THEN
		RETURN NEW;
	END IF;
	IF abs(NEW.stage - OLD.stage) <> 1 OR NEW.epoch <> OLD.epoch + 1 THEN
		RAISE EXCEPTION 'change "%": from stage %, epoch % to stage %, epoch %: both move by one', OLD.name, OLD.stage, OLD.epoch, NEW.stage, NEW.epoch
			USING ERRCODE = '23514';
	END IF;
	IF OLD.settled_at IS NULL THEN
		RAISE EXCEPTION 'change "%": not everybody has left the stage before the present one', OLD.name
			USING ERRCODE = '55000';
	END IF;
	IF OLD.hidden_at IS NOT NULL OR OLD.dropped_at IS NOT NULL THEN
		RAISE EXCEPTION 'change "%": the old columns are hidden: show them again first', OLD.name
			USING ERRCODE = '55000';
	END IF;
	NEW.settled_at := NULL;
	NEW.was_new := NEW.stage = 4 OR (OLD.was_new AND NEW.stage = 3);
	NEW.updated_at := clock_timestamp();
	RETURN NEW;
END $$;
CREATE TRIGGER change_moves BEFORE UPDATE ON "handover".changes
	FOR EACH ROW EXECUTE FUNCTION "handover".change_moves();

INSERT INTO "handover".change_migrations (version) VALUES (1);
