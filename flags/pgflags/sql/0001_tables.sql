-- pgflags 1: the tables. PostgreSQL 13 or later.
--
-- "handover", in quotes, is the schema, and nothing else: replace it to have another.

DO $$
BEGIN
	-- CREATE SCHEMA IF NOT EXISTS asks for the right to create one even if it exists.
	IF to_regnamespace('"handover"') IS NULL THEN
		CREATE SCHEMA "handover";
	END IF;
END $$;

CREATE TABLE "handover".flag_migrations (
	version    integer PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row a set. It is made with the set's first flag, and stays: a set that began anew
-- would begin with revision 1, which no client that has seen a higher one would take.
CREATE TABLE "handover".flag_sets (
	set        text PRIMARY KEY CHECK (length(set) BETWEEN 1 AND 200), -- it travels in notifications
	revision   bigint NOT NULL DEFAULT 1 CHECK (revision > 0),
	metadata   jsonb NOT NULL DEFAULT '{}',
	evaluators jsonb NOT NULL DEFAULT '{}', -- flagd's $evaluators, for "$ref"
	updated_at timestamptz NOT NULL DEFAULT now(),
	changed_in xid8 NOT NULL DEFAULT pg_current_xact_id(),

	CONSTRAINT metadata_is_an_object_of_scalars CHECK (
		jsonb_typeof(metadata) = 'object'
		AND NOT jsonb_path_exists(
			metadata, 'strict $.* ? (@.type() == "object" || @.type() == "array" || @.type() == "null")', '{}', true
		)
	),
	CONSTRAINT evaluators_is_an_object CHECK (jsonb_typeof(evaluators) = 'object')
);

-- One row a flag: either definition, or enabled and perhaps rollout_percentage.
CREATE TABLE "handover".flags (
	set                text NOT NULL DEFAULT 'default',
	key                text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
	definition         jsonb, -- one flag in flagd's format: https://flagd.dev/schema/v0/flags.json
	enabled            boolean,
	rollout_percentage numeric, -- of all subjects; none is 100
	killed             boolean NOT NULL DEFAULT false, -- everybody gets the program's default
	owner              text, -- for people; no program reads it
	updated_at         timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (set, key),

	CONSTRAINT either_definition_or_enabled CHECK ((definition IS NULL) = (enabled IS NOT NULL)),
	CONSTRAINT rollout_percentage_goes_with_enabled CHECK (rollout_percentage IS NULL OR enabled IS NOT NULL),
	CONSTRAINT rollout_percentage_is_0_to_100_with_3_decimals CHECK (
		rollout_percentage IS NULL
		OR (rollout_percentage BETWEEN 0 AND 100 AND rollout_percentage = round(rollout_percentage, 3))
	),
	-- CASE, as AND may be evaluated in any order; IS TRUE, as a CHECK lets NULL pass.
	CONSTRAINT definition_is_an_object CHECK (definition IS NULL OR jsonb_typeof(definition) = 'object'),
	CONSTRAINT definition_has_a_state CHECK (
		definition IS NULL OR (definition -> 'state' IN ('"ENABLED"', '"DISABLED"')) IS TRUE
	),
	CONSTRAINT definition_has_variants CHECK (
		definition IS NULL
		OR (jsonb_typeof(definition -> 'variants') = 'object' AND definition -> 'variants' <> '{}') IS TRUE
	),
	CONSTRAINT default_variant_is_a_variant CHECK (
		definition IS NULL OR CASE jsonb_typeof(definition -> 'defaultVariant')
			WHEN 'string' THEN (definition -> 'variants' ? (definition ->> 'defaultVariant')) IS TRUE
			ELSE coalesce(definition -> 'defaultVariant', 'null') = 'null'
		END
	)
);

-- One row a change; written by triggers only, and never changed.
CREATE TABLE "handover".flag_audit (
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	set      text NOT NULL,
	revision bigint NOT NULL, -- the one that the change has made
	key      text,            -- none: of the set's own row
	action   text NOT NULL CHECK (action IN ('insert', 'update', 'delete')),
	old      jsonb,           -- the row before; none for an insert
	new      jsonb,           -- the row after; none for a delete
	who      text NOT NULL,   -- the setting handover.who, or else session_user
	why      text NOT NULL,   -- the setting handover.why, or else application_name
	role     text NOT NULL DEFAULT session_user, -- which handover.who cannot change
	at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON "handover".flag_audit (set, key, id);

INSERT INTO "handover".flag_migrations (version) VALUES (1);
