-- pgramp 2: what members do. Each is one statement, so that a member that is stopped in
-- the middle of it holds nothing that a kill would have to wait for, and it runs as who
-- owns the tables, so that a program need not be allowed to write them.

-- Renews a lease, takes the lead if nobody has it, and returns all there is.
CREATE FUNCTION "handover".ramp_attend(
	of_set text, me text, code text, is_stale boolean, my_flags jsonb, my_guards jsonb, ttl interval, keys text[],
	my_samples jsonb, after bigint
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	moment timestamptz;
	leads  text;
BEGIN
	INSERT INTO "handover".ramp_leaders AS l (set, id, since, expires_at)
	VALUES (of_set, me, clock_timestamp(), clock_timestamp() + ttl)
	ON CONFLICT (set) DO UPDATE SET
		-- Who has let it pass begins anew: all others may have let theirs pass as well.
		since = CASE WHEN l.id = me AND l.expires_at > clock_timestamp() THEN l.since ELSE clock_timestamp() END,
		id = me, expires_at = clock_timestamp() + ttl
	WHERE l.id = me OR l.expires_at <= clock_timestamp();
	moment := clock_timestamp();
	INSERT INTO "handover".ramp_instances AS i (set, id, version, stale, flags, guards, expires_at)
	VALUES (of_set, me, code, is_stale, my_flags, my_guards, moment + ttl)
	ON CONFLICT (set, id) DO UPDATE SET
		version = EXCLUDED.version, stale = EXCLUDED.stale, flags = EXCLUDED.flags,
		guards = EXCLUDED.guards, expires_at = EXCLUDED.expires_at;
	-- The row of the leader is locked until here, so that whoever has seen a sample has
	-- seen all with a smaller id.
	INSERT INTO "handover".ramp_samples (set, instance, number, key, sample)
	SELECT of_set, me, (s ->> 'number')::bigint, s ->> 'key', s -> 'sample' FROM jsonb_array_elements(my_samples) s
	ON CONFLICT (set, instance, number) DO NOTHING;
	SELECT l.id INTO leads FROM "handover".ramp_leaders l WHERE l.set = of_set;
	IF leads = me THEN
		DELETE FROM "handover".ramp_instances WHERE set = of_set AND expires_at < moment - 100 * ttl;
		DELETE FROM "handover".ramp_samples WHERE at < moment - interval '1 hour';
	END IF;
	RETURN (SELECT jsonb_build_object(
		'now', moment,
		'leader', leads,
		'since', (SELECT l.since FROM "handover".ramp_leaders l WHERE l.set = of_set),
		'instances', (SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.id), '[]')
			FROM "handover".ramp_instances i WHERE i.set = of_set AND i.expires_at > moment),
		'samples', (SELECT coalesce(jsonb_agg(jsonb_build_object('number', s.id, 'key', s.key, 'sample', s.sample) ORDER BY s.id), '[]')
			FROM (SELECT * FROM "handover".ramp_samples a WHERE a.set = of_set AND a.id > after AND leads = me ORDER BY a.id LIMIT 1000) s),
		'flags', (SELECT coalesce(jsonb_agg(jsonb_build_object(
			'key', f.key, 'revision', s.revision, 'killed', f.killed,
			'enabled', coalesce(f.enabled, f.definition ->> 'state' = 'ENABLED'),
			'percentage', f.rollout_percentage, 'definition', f.definition, 'ramp', to_jsonb(r),
			'history', (SELECT coalesce(jsonb_agg(h), '[]') FROM (
				SELECT a.at, a.who, a.why, a.new ->> 'state' AS state, a.new -> 'share' AS share
				FROM "handover".ramp_audit a WHERE a.set = of_set AND a.key = f.key ORDER BY a.id DESC LIMIT 20
			) h)
		) ORDER BY f.key), '[]')
			FROM "handover".flags f JOIN "handover".flag_sets s USING (set) LEFT JOIN "handover".ramps r USING (set, key)
			WHERE f.set = of_set AND (f.key = ANY (keys) OR r.key IS NOT NULL OR f.definition ? 'x-ramp'))
	));
END $$;

-- Moves a ramp, and its flag with it if widen is told. It returns why it has not: what
-- was seen when it was decided has to hold still. was_number is 0 for a ramp that is new.
CREATE FUNCTION "handover".ramp_move(
	of_set text, of_key text, me text, seen text[], was_number bigint, patience interval, bake interval,
	widen boolean, was_percentage numeric, was_definition jsonb, new_percentage numeric, new_definition jsonb,
	new_state text, new_share numeric, reason text, proof jsonb
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	at_revision bigint;
	is_number   bigint;
BEGIN
	PERFORM set_config('handover.who', 'ramp of ' || me, true), set_config('handover.why', reason, true);
	PERFORM "handover".flag_turn();
	PERFORM FROM "handover".ramp_leaders l WHERE l.set = of_set AND l.id = me
		AND l.expires_at > clock_timestamp() AND l.since + patience <= clock_timestamp() FOR UPDATE;
	IF NOT FOUND THEN
		RETURN 'another instance leads, or this one has only begun to';
	END IF;
	IF widen AND EXISTS (SELECT FROM "handover".ramp_instances i
		WHERE i.set = of_set AND i.expires_at > clock_timestamp() AND i.id <> ALL (seen)) THEN
		RETURN 'an instance has joined';
	END IF;
	SELECT r.number INTO is_number FROM "handover".ramps r WHERE r.set = of_set AND r.key = of_key
		AND (NOT widen OR r.state = 'running' AND r.since + bake <= clock_timestamp()) FOR UPDATE;
	IF coalesce(is_number, 0) <> was_number THEN
		RETURN 'the ramp has been moved';
	END IF;
	IF widen THEN
		UPDATE "handover".flags f SET rollout_percentage = new_percentage, definition = new_definition
		WHERE f.set = of_set AND f.key = of_key AND NOT f.killed
			AND f.rollout_percentage IS NOT DISTINCT FROM was_percentage
			AND f.definition IS NOT DISTINCT FROM was_definition
			AND coalesce(f.enabled, f.definition ->> 'state' = 'ENABLED');
		IF NOT FOUND THEN
			RETURN 'the flag has been changed';
		END IF;
	END IF;
	SELECT s.revision INTO at_revision FROM "handover".flag_sets s WHERE s.set = of_set;
	INSERT INTO "handover".ramps AS r (set, key, state, share, revision, why, evidence)
	VALUES (of_set, of_key, new_state, new_share, at_revision, reason, proof)
	ON CONFLICT (set, key) DO UPDATE SET
		state = EXCLUDED.state, share = EXCLUDED.share, why = EXCLUDED.why, evidence = EXCLUDED.evidence,
		revision = CASE WHEN EXCLUDED.share IS DISTINCT FROM r.share THEN EXCLUDED.revision ELSE r.revision END,
		since = CASE WHEN EXCLUDED.share IS DISTINCT FROM r.share THEN clock_timestamp() ELSE r.since END;
	RETURN NULL;
END $$;

-- Kills the flag and stops the ramp: anybody may, at any time.
CREATE FUNCTION "handover".ramp_trip(of_set text, of_key text, me text, reason text, proof jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM set_config('handover.who', 'ramp of ' || me, true), set_config('handover.why', reason, true);
	UPDATE "handover".flags f SET killed = true WHERE f.set = of_set AND f.key = of_key AND NOT f.killed;
	UPDATE "handover".ramps r SET state = 'stopped', why = reason, evidence = proof
	WHERE r.set = of_set AND r.key = of_key;
END $$;

CREATE FUNCTION "handover".ramp_leave(of_set text, me text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM "handover".ramp_instances WHERE set = of_set AND id = me;
	-- Not deleted: who comes next waits until all have been heard of.
	UPDATE "handover".ramp_leaders SET expires_at = clock_timestamp() WHERE set = of_set AND id = me;
$$;

REVOKE ALL ON FUNCTION
	"handover".ramp_attend(text, text, text, boolean, jsonb, jsonb, interval, text[], jsonb, bigint),
	"handover".ramp_move(text, text, text, text[], bigint, interval, interval, boolean, numeric, jsonb, numeric, jsonb, text, numeric, text, jsonb),
	"handover".ramp_trip(text, text, text, text, jsonb),
	"handover".ramp_leave(text, text)
FROM PUBLIC;

INSERT INTO "handover".ramp_migrations (version) VALUES (2);
