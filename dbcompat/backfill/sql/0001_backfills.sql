-- backfill 1: the tables. PostgreSQL 14 or later. May be applied again.
--
-- "handover", in quotes, is the schema, and nothing else: replace it to have another.

DO $$
BEGIN
	-- CREATE SCHEMA IF NOT EXISTS asks for the right to create one even if it exists.
	IF to_regnamespace('"handover"') IS NULL THEN
		CREATE SCHEMA "handover";
	END IF;
END $$;

CREATE TABLE IF NOT EXISTS "handover".backfill_migrations (
	version    integer PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each pair of columns: the run under way, or the last one. It is updated
-- with every batch; fillfactor keeps that on its page.
CREATE TABLE IF NOT EXISTS "handover".backfills (
	name         text PRIMARY KEY,            -- public.users: name -> display_name
	statement    text NOT NULL,               -- what is done to each row: another one begins anew
	stage        text NOT NULL,
	state        text NOT NULL CHECK (state IN ('running', 'paused', 'cancelled', 'done')),
	position     text[],                      -- the key of the last row that was looked at
	upper        text[],                      -- the greatest key when the run began
	rows         bigint NOT NULL DEFAULT 0,   -- looked at
	changed      bigint NOT NULL DEFAULT 0,
	skipped      bigint NOT NULL DEFAULT 0,
	total        bigint NOT NULL DEFAULT 0,   -- an estimate
	rate         float8 NOT NULL DEFAULT 0,   -- rows per second
	waiting      text NOT NULL DEFAULT '',    -- for what
	runner       text NOT NULL DEFAULT '',
	leased_until timestamptz NOT NULL DEFAULT 'epoch',
	began_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at   timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS "handover".backfill_skipped (
	name text NOT NULL,
	key  text[] NOT NULL,
	why  text NOT NULL,
	at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (name, key)
);

CREATE TABLE IF NOT EXISTS "handover".backfill_verifications (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name       text NOT NULL,
	stage      text NOT NULL,
	began_at   timestamptz NOT NULL,
	ended_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	lsn        pg_lsn NOT NULL, -- a replica that has replayed this has what was verified
	rows       bigint NOT NULL,
	mismatches bigint NOT NULL,
	examples   text[] NOT NULL
);

INSERT INTO "handover".backfill_migrations (version) VALUES (1) ON CONFLICT DO NOTHING;
