// Package pgflags keeps flag definitions in PostgreSQL, one row a flag, so that a kill
// reaches all instances in a moment and each change is on record.
//
//	fl := flags.New(pgflags.New(pool, pgflags.Config{}), flags.Config{}, newCheckout)
//
// Migrate, or what Export writes, makes the tables; schema handover, set default:
//
//	flags       set, key; definition (flagd's JSON) or enabled + rollout_percentage;
//	            killed; owner; updated_at
//	flag_sets   set, revision, metadata, evaluators
//	flag_audit  what each row was and became, who, why, role, at, revision
//
// Plain SQL is as good as this package: triggers count, record and tell it, and refuse
// what makes no sense. BEGIN first, to have several changes seen at once:
//
//	UPDATE handover.flags SET killed = true WHERE key = 'new-checkout-flow';
//	UPDATE handover.flags SET rollout_percentage = 25 WHERE key = 'new-checkout-flow';
//	INSERT INTO handover.flags (key, enabled, rollout_percentage) VALUES ('dark-mode', true, 5);
//	UPDATE handover.flag_sets SET metadata = '{"bucketing": "md5-100"}';
//	SET handover.who = 'ada'; SET handover.why = 'incident 42'; -- or session_user, application_name
//	SELECT at, who, why, old, new FROM handover.flag_audit WHERE key = 'dark-mode' ORDER BY id;
//	UPDATE handover.flag_sets SET revision = revision + 1000; -- after a restore or lossy failover
//
// How a change gets to an instance:
//
//	BEGIN; UPDATE; COMMIT ──► revision + 1, audit, NOTIFY ──► Watch ──► Load, one statement
//	                                    └ lost, or NoListen: the Client's interval ──┘
//
// The invariant: a revision is one content. It grows by one in each transaction that
// changes the set, in the order of commits, as writers wait for one another.
//
// Definitions that the database cannot judge (a rule, a misspelt arm) Put can. One that
// SQL has let in has every later document refused by a Client that is not Lenient, with
// the kills in it: mend it, or kill by the Client. Watch has a connection per instance;
// behind a pooler by transaction, or on a standby, set NoListen. A backup or a standby
// that was behind has its own future under the same numbers: raise the revision, above.
package pgflags
