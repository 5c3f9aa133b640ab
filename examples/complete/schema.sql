-- The tables, as -migrate makes them. A team has a tool for this; what matters is that it
-- is no instance of the service that does it.

CREATE TABLE IF NOT EXISTS users (
	id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL
);

CREATE TABLE IF NOT EXISTS orders (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id    bigint NOT NULL REFERENCES users (id),
	item       text NOT NULL,
	gift_wrap  boolean NOT NULL,
	due_at     timestamptz NOT NULL DEFAULT now(), -- from then on it may be taken
	attempts   integer NOT NULL DEFAULT 0,         -- also who has it: the last attempt
	shipped_at timestamptz,
	shipped_by text,                               -- a version
	label      text
);
CREATE INDEX IF NOT EXISTS orders_due ON orders (due_at) WHERE shipped_at IS NULL;
