package lint_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/lint"
)

// spelling is one way to write something, and whether its rule finds it.
type spelling struct {
	rule  string
	sql   string
	finds bool
	with  lint.Config
}

var psql = lint.Config{Transaction: lint.PerStatement}

func finds(rule, sql string) spelling  { return spelling{rule: rule, sql: sql, finds: true, with: psql} }
func passes(rule, sql string) spelling { return spelling{rule: rule, sql: sql, with: psql} }
func (s spelling) in(c lint.Config) spelling {
	s.with = c
	return s
}

var (
	perFile = lint.Config{Transaction: lint.PerFile}
	style   = lint.Config{Transaction: lint.PerStatement, Style: true}
)

const mixedFile = "CREATE TABLE n (id bigint PRIMARY KEY, a int);\n"

var spellings = map[string]spelling{
	// The four unsafe operations, in every spelling that the grammar has.
	"a required column":                      finds("add-column-not-null-no-default", "ALTER TABLE t ADD COLUMN c int NOT NULL"),
	"a required column, without COLUMN":      finds("add-column-not-null-no-default", "alter table t add c int not null"),
	"a required column, ONLY":                finds("add-column-not-null-no-default", "ALTER TABLE IF EXISTS ONLY s.t ADD COLUMN IF NOT EXISTS c int NOT NULL"),
	"a required column, with a star":         finds("add-column-not-null-no-default", "ALTER TABLE t * ADD c int NOT NULL"),
	"a required column, with a named one":    finds("add-column-not-null-no-default", "ALTER TABLE t ADD c int CONSTRAINT x NOT NULL"),
	"a required column, second of two":       finds("add-column-not-null-no-default", "ALTER TABLE t ADD a int, ADD c int NOT NULL"),
	"a required column, with DEFAULT NULL":   finds("add-column-not-null-no-default", "ALTER TABLE t ADD c int DEFAULT NULL NOT NULL"),
	"a required column, with a cast NULL":    finds("add-column-not-null-no-default", "ALTER TABLE t ADD c int DEFAULT NULL::int NOT NULL"),
	"a required column that is the key":      finds("add-column-not-null-no-default", "ALTER TABLE t ADD c uuid PRIMARY KEY"),
	"a required column of a foreign table":   finds("add-column-not-null-no-default", "ALTER FOREIGN TABLE t ADD c int NOT NULL"),
	"a required column with comments inside": finds("add-column-not-null-no-default", "ALTER /* ; */ TABLE \"T\" -- x\n ADD c int\nNOT /**/ NULL"),
	"a required column with a default":       passes("add-column-not-null-no-default", "ALTER TABLE t ADD c int NOT NULL DEFAULT 0"),
	"a nullable column":                      passes("add-column-not-null-no-default", "ALTER TABLE t ADD c int NULL"),
	"a required column of a new table":       passes("add-column-not-null-no-default", "CREATE TABLE t (); ALTER TABLE t ADD c int NOT NULL"),
	"a required column in a string":          passes("add-column-not-null-no-default", "SELECT 'ALTER TABLE t ADD c int NOT NULL'"),
	"SET NOT NULL":                           finds("set-not-null", "ALTER TABLE ONLY t ALTER COLUMN c SET NOT NULL"),
	"SET NOT NULL, without COLUMN":           finds("set-not-null", "ALTER TABLE IF EXISTS t ALTER c SET NOT NULL"),
	"SET NOT NULL after its own ADD COLUMN":  finds("set-not-null", "ALTER TABLE t ADD c int; ALTER TABLE t ALTER c SET NOT NULL"),
	"SET NOT NULL after a validated CHECK": passes("set-not-null", "ALTER TABLE t ADD CONSTRAINT x CHECK (c IS NOT NULL) NOT VALID;"+
		"ALTER TABLE t VALIDATE CONSTRAINT x; ALTER TABLE t ALTER c SET NOT NULL; ALTER TABLE t DROP CONSTRAINT x"),
	"SET NOT NULL after a CHECK that was not validated": finds("set-not-null", "ALTER TABLE t ADD CONSTRAINT x CHECK (c IS NOT NULL) NOT VALID; ALTER TABLE t ALTER c SET NOT NULL"),
	"SET NOT NULL after a CHECK of another column": finds("set-not-null", "ALTER TABLE t ADD CONSTRAINT x CHECK (d IS NOT NULL) NOT VALID;"+
		"ALTER TABLE t VALIDATE CONSTRAINT x; ALTER TABLE t ALTER c SET NOT NULL"),

	"a unique index":                       finds("index-not-concurrent", "CREATE UNIQUE INDEX i ON t (c)"),
	"a unique index without a name":        finds("index-not-concurrent", "create unique index on only s.t using btree (lower(c)) include (d) where d > 0"),
	"a unique index, IF NOT EXISTS":        finds("index-not-concurrent", "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (c)"),
	"a unique index, concurrently":         passes("index-not-concurrent", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (c)"),
	"a unique index of a new table":        passes("index-not-concurrent", mixedFile+"CREATE UNIQUE INDEX ON n (a)"),
	"an index before its table is created": finds("index-not-concurrent", "CREATE INDEX ON n (a); "+mixedFile),
	"an index of a table of another name":  finds("index-not-concurrent", mixedFile+"CREATE INDEX ON m (a)"),
	"an index of a table of another schema": finds("index-not-concurrent",
		"CREATE TABLE a.t (c int); CREATE INDEX ON b.t (c)"),
	"a unique constraint":                   finds("add-unique-constraint", "ALTER TABLE t ADD CONSTRAINT x UNIQUE (a, b)"),
	"a unique constraint without a name":    finds("add-unique-constraint", "ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (a)"),
	"a unique constraint of a new column":   finds("add-unique-constraint", "ALTER TABLE t ADD c int UNIQUE"),
	"a unique constraint that can wait":     finds("add-unique-constraint", "ALTER TABLE t ADD UNIQUE (a) DEFERRABLE INITIALLY DEFERRED"),
	"a unique constraint by an index":       passes("add-unique-constraint", "ALTER TABLE t ADD CONSTRAINT x UNIQUE USING INDEX i"),
	"a primary key":                         finds("add-primary-key", "ALTER TABLE t ADD PRIMARY KEY (id)"),
	"a primary key with its column":         finds("add-primary-key", "ALTER TABLE t ADD id bigint PRIMARY KEY"),
	"a primary key by an index":             passes("add-primary-key", "ALTER TABLE t ADD PRIMARY KEY USING INDEX i"),
	"an exclusion constraint":               finds("add-exclusion-constraint", "ALTER TABLE t ADD EXCLUDE USING gist (a WITH =)"),
	"an exclusion constraint of a new one":  passes("add-exclusion-constraint", "CREATE TABLE t (a int, EXCLUDE USING gist (a WITH =))"),
	"a column is dropped":                   finds("drop-column", "ALTER TABLE t DROP COLUMN c"),
	"a column is dropped, without COLUMN":   finds("drop-column", "alter table if exists only s.t drop if exists c cascade"),
	"a column is dropped, second of two":    finds("drop-column", "ALTER TABLE t ADD a int, DROP c RESTRICT"),
	"an attribute is dropped":               finds("drop-column", "ALTER TYPE ct DROP ATTRIBUTE IF EXISTS a CASCADE"),
	"a type is dropped with its columns":    finds("drop-column", "DROP TYPE IF EXISTS mood CASCADE"),
	"a domain is dropped with its columns":  finds("drop-column", "DROP DOMAIN d CASCADE"),
	"a type is dropped that nobody uses":    passes("drop-column", "DROP TYPE mood"),
	"a column of a new table is dropped":    passes("drop-column", mixedFile+"ALTER TABLE n DROP a"),
	"a constraint is dropped, no column":    passes("drop-column", "ALTER TABLE t DROP CONSTRAINT c"),
	"a type is changed":                     finds("change-type", "ALTER TABLE t ALTER COLUMN c TYPE bigint"),
	"a type is changed, in full":            finds("change-type", "ALTER TABLE IF EXISTS ONLY t ALTER c SET DATA TYPE text COLLATE \"C\" USING c::text"),
	"a type is changed, second of two":      finds("change-type", "ALTER TABLE t ALTER a SET DEFAULT 1, ALTER c TYPE varchar(20)"),
	"a type is changed in a foreign table":  finds("change-type", "ALTER FOREIGN TABLE t ALTER c TYPE int"),
	"a type is changed in a composite type": finds("change-type", "ALTER TYPE ct ALTER ATTRIBUTE a SET DATA TYPE bigint CASCADE"),
	"a type is changed in a new table":      passes("change-type", mixedFile+"ALTER TABLE n ALTER a TYPE bigint"),
	"statistics are changed":                passes("change-type", "ALTER TABLE t ALTER c SET STATISTICS 1000"),

	// What blocks or rewrites.
	"a default that is random":                 finds("add-column-volatile-default", "ALTER TABLE t ADD c uuid DEFAULT gen_random_uuid()"),
	"a default deep inside an expression":      finds("add-column-volatile-default", "ALTER TABLE t ADD c text DEFAULT 'x' || (random() * 2)::text"),
	"a default of the transaction's time":      passes("add-column-volatile-default", "ALTER TABLE t ADD c timestamptz DEFAULT now()"),
	"a default of CURRENT_TIMESTAMP":           passes("add-column-volatile-default", "ALTER TABLE t ADD c timestamptz DEFAULT CURRENT_TIMESTAMP"),
	"a constant default":                       passes("add-column-volatile-default", "ALTER TABLE t ADD c text DEFAULT 'random()'"),
	"a random default for new rows":            passes("add-column-volatile-default", "ALTER TABLE t ALTER c SET DEFAULT random()"),
	"a serial column":                          finds("add-column-serial-or-identity", "ALTER TABLE t ADD c bigserial"),
	"an identity column":                       finds("add-column-serial-or-identity", "ALTER TABLE t ADD c bigint GENERATED ALWAYS AS IDENTITY"),
	"a serial column of a new table":           passes("add-column-serial-or-identity", "CREATE TABLE t (c bigserial)"),
	"a generated column":                       finds("add-generated-stored", "ALTER TABLE t ADD c int GENERATED ALWAYS AS (a + 1) STORED"),
	"a plain column":                           passes("add-generated-stored", "ALTER TABLE t ADD c int"),
	"a CHECK":                                  finds("add-check-validated", "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0)"),
	"a CHECK with its column":                  finds("add-check-validated", "ALTER TABLE t ADD c int CHECK (c > 0)"),
	"a CHECK that is not valid":                passes("add-check-validated", "ALTER TABLE t ADD CHECK (a > 0) NOT VALID"),
	"a foreign key":                            finds("add-fk-validated", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o"),
	"a foreign key with its column":            finds("add-fk-validated", "ALTER TABLE t ADD a bigint REFERENCES o (id)"),
	"a foreign key that is not valid":          passes("add-fk-validated", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID"),
	"a foreign key of a new table":             passes("add-fk-validated", "CREATE TABLE t (a bigint REFERENCES o)"),
	"VALIDATE in the same transaction":         finds("validate-in-same-tx", "ALTER TABLE t ADD CONSTRAINT x CHECK (a>0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT x").in(perFile),
	"VALIDATE in the same statement":           finds("validate-in-same-tx", "ALTER TABLE t ADD CONSTRAINT x CHECK (a>0) NOT VALID, VALIDATE CONSTRAINT x"),
	"VALIDATE in another transaction":          passes("validate-in-same-tx", "ALTER TABLE t ADD CONSTRAINT x CHECK (a>0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT x"),
	"two foreign keys":                         finds("two-fks-one-tx", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID; ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES p NOT VALID").in(perFile),
	"two foreign keys of a new table":          finds("two-fks-one-tx", "CREATE TABLE t (a int REFERENCES o, b int, FOREIGN KEY (b) REFERENCES p)"),
	"two foreign keys to one table":            passes("two-fks-one-tx", "CREATE TABLE t (a int REFERENCES o, b int REFERENCES o)"),
	"two foreign keys in two transactions":     passes("two-fks-one-tx", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID; ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES p NOT VALID"),
	"a domain with a CHECK":                    finds("domain-with-constraint", "CREATE DOMAIN d AS text CHECK (value <> '')"),
	"a domain without":                         passes("domain-with-constraint", "CREATE DOMAIN d AS text"),
	"a domain gets a CHECK":                    finds("alter-domain-add-constraint", "ALTER DOMAIN d ADD CHECK (value <> '')"),
	"a domain gets NOT NULL":                   finds("alter-domain-add-constraint", "ALTER DOMAIN d SET NOT NULL"),
	"a domain gets a CHECK that is not valid":  passes("alter-domain-add-constraint", "ALTER DOMAIN d ADD CHECK (value <> '') NOT VALID"),
	"an index is dropped":                      finds("drop-index-not-concurrent", "DROP INDEX IF EXISTS s.i, j"),
	"an index is dropped concurrently":         passes("drop-index-not-concurrent", "DROP INDEX CONCURRENTLY i"),
	"an index of a new table is dropped":       passes("drop-index-not-concurrent", mixedFile+"CREATE INDEX i ON n (a); DROP INDEX i"),
	"REINDEX":                                  finds("reindex-not-concurrent", "REINDEX TABLE t"),
	"REINDEX without its option":               finds("reindex-not-concurrent", "REINDEX (CONCURRENTLY FALSE) INDEX i"),
	"REINDEX concurrently":                     passes("reindex-not-concurrent", "REINDEX INDEX CONCURRENTLY i"),
	"CONCURRENTLY in a transaction":            finds("concurrently-in-transaction", "CREATE INDEX CONCURRENTLY i ON t (a)").in(perFile),
	"CONCURRENTLY between BEGIN and COMMIT":    finds("concurrently-in-transaction", "BEGIN; DROP INDEX CONCURRENTLY i; COMMIT"),
	"CONCURRENTLY after COMMIT":                passes("concurrently-in-transaction", "BEGIN; SELECT 1; COMMIT; REINDEX INDEX CONCURRENTLY i"),
	"CONCURRENTLY beside another statement":    finds("concurrently-in-transaction", "SET lock_timeout = '1s'; CREATE INDEX CONCURRENTLY i ON t (a)").in(lint.Config{}),
	"CONCURRENTLY alone in its file":           passes("concurrently-in-transaction", "CREATE INDEX CONCURRENTLY i ON t (a)").in(lint.Config{}),
	"CONCURRENTLY if it is not there":          finds("concurrently-if-not-exists", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"),
	"a new index if it is not there":           passes("concurrently-if-not-exists", "CREATE INDEX IF NOT EXISTS i ON t (a)"),
	"CONCURRENTLY on a partitioned table":      finds("partitioned-index-concurrently", "CREATE TABLE t (a int) PARTITION BY RANGE (a); CREATE INDEX CONCURRENTLY ON t (a)"),
	"CONCURRENTLY on one with a partition":     finds("partitioned-index-concurrently", "CREATE TABLE p PARTITION OF t DEFAULT; CREATE INDEX CONCURRENTLY ON t (a)"),
	"CONCURRENTLY on a plain table":            passes("partitioned-index-concurrently", "CREATE INDEX CONCURRENTLY ON t (a)"),
	"an index is replaced":                     finds("replace-index-in-one-step", "DROP INDEX CONCURRENTLY i; CREATE INDEX CONCURRENTLY j ON t (a)"),
	"an index is replaced the other way round": passes("replace-index-in-one-step", "CREATE INDEX CONCURRENTLY j ON t (a); DROP INDEX CONCURRENTLY i"),
	"CONCURRENTLY in 14.3":                     finds("index-corruption-14", "CREATE INDEX CONCURRENTLY i ON t (a)").in(lint.Config{Server: 140003}),
	"CONCURRENTLY in 14.4":                     passes("index-corruption-14", "CREATE INDEX CONCURRENTLY i ON t (a)").in(lint.Config{Server: 140004}),
	"DETACH":                                   finds("detach-partition-not-concurrent", "ALTER TABLE t DETACH PARTITION p"),
	"DETACH concurrently":                      passes("detach-partition-not-concurrent", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY"),
	"DETACH in 13":                             passes("detach-partition-not-concurrent", "ALTER TABLE t DETACH PARTITION p").in(lint.Config{Server: 130000}),
	"ATTACH":                                   finds("attach-partition-scans", "ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (1) TO (2)"),
	"ATTACH of a new table":                    passes("attach-partition-scans", "CREATE TABLE p (LIKE t); ALTER TABLE t ATTACH PARTITION p DEFAULT"),
	"ATTACH after a validated CHECK":           passes("attach-partition-scans", "ALTER TABLE p VALIDATE CONSTRAINT x; ALTER TABLE t ATTACH PARTITION p DEFAULT"),
	"ATTACH of an index":                       passes("attach-partition-scans", "ALTER INDEX i ATTACH PARTITION j"),
	"VACUUM FULL":                              finds("vacuum-full-or-cluster", "VACUUM (ANALYZE, FULL) t"),
	"CLUSTER":                                  finds("vacuum-full-or-cluster", "CLUSTER t USING i"),
	"VACUUM":                                   passes("vacuum-full-or-cluster", "VACUUM (FULL FALSE, ANALYZE) t"),
	"SET UNLOGGED":                             finds("set-logged-unlogged", "ALTER TABLE t SET UNLOGGED"),
	"an unlogged new table":                    passes("set-logged-unlogged", "CREATE UNLOGGED TABLE t (a int)"),
	"SET ACCESS METHOD":                        finds("set-access-method", "ALTER TABLE t SET ACCESS METHOD heap"),
	"a new table with an access method":        passes("set-access-method", "CREATE TABLE t (a int) USING heap"),
	"SET TABLESPACE":                           finds("set-tablespace", "ALTER TABLE t SET TABLESPACE x"),
	"SET TABLESPACE for all":                   finds("set-tablespace", "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b"),
	"a new table in a tablespace":              passes("set-tablespace", "CREATE TABLE t (a int) TABLESPACE x"),
	"a trigger":                                finds("create-trigger-on-busy-table", "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"),
	"a trigger with a limit of time":           passes("create-trigger-on-busy-table", "SET lock_timeout = '2s'; CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"),
	"REFRESH":                                  finds("refresh-matview-not-concurrent", "REFRESH MATERIALIZED VIEW v"),
	"REFRESH concurrently":                     passes("refresh-matview-not-concurrent", "REFRESH MATERIALIZED VIEW CONCURRENTLY v"),
	"REFRESH of a new one":                     passes("refresh-matview-not-concurrent", "CREATE MATERIALIZED VIEW v AS SELECT 1 WITH NO DATA; REFRESH MATERIALIZED VIEW v"),
	"LOCK TABLE":                               finds("lock-table", "LOCK t IN SHARE MODE"),
	"LOCK TABLE of a new one":                  passes("lock-table", mixedFile+"LOCK TABLE n"),
	"UPDATE of all":                            finds("big-update-or-delete", "UPDATE t SET a = 1"),
	"UPDATE of what is NULL":                   finds("big-update-or-delete", "UPDATE t SET a = b WHERE a IS NULL"),
	"UPDATE from one bound on":                 finds("big-update-or-delete", "UPDATE t SET a = 1 WHERE id > 5"),
	"UPDATE of one or all":                     finds("big-update-or-delete", "UPDATE t SET a = 1 WHERE id = 5 OR true"),
	"DELETE inside a WITH":                     finds("big-update-or-delete", "WITH x AS (DELETE FROM t RETURNING *) INSERT INTO y SELECT a FROM x"),
	"MERGE":                                    finds("big-update-or-delete", "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE"),
	"UPDATE of one row":                        passes("big-update-or-delete", "UPDATE t SET a = 1 WHERE t.id = 5 AND b IS NULL"),
	"UPDATE of a few rows":                     passes("big-update-or-delete", "UPDATE t SET a = 1 WHERE id IN (1, 2)"),
	"UPDATE of a range":                        passes("big-update-or-delete", "DELETE FROM t WHERE id >= 5 AND id < 9"),
	"UPDATE of a new table":                    passes("big-update-or-delete", mixedFile+"UPDATE n SET a = 1"),

	// What breaks running code.
	"a column is renamed":                       finds("rename-column", "ALTER TABLE IF EXISTS t RENAME a TO b"),
	"a column of a view is renamed":             finds("rename-column", "ALTER VIEW v RENAME COLUMN a TO b"),
	"an attribute is renamed":                   finds("rename-column", "ALTER TYPE ct RENAME ATTRIBUTE a TO b"),
	"a constraint is renamed":                   passes("rename-column", "ALTER TABLE t RENAME CONSTRAINT a TO b"),
	"a table is renamed":                        finds("rename-table", "ALTER TABLE t RENAME TO u"),
	"a table moves to another schema":           finds("rename-table", "ALTER TABLE t SET SCHEMA s"),
	"an index is renamed":                       passes("rename-table", "ALTER INDEX i RENAME TO j"),
	"a schema is renamed":                       finds("rename-schema", "ALTER SCHEMA s RENAME TO z"),
	"a schema changes its owner":                passes("rename-schema", "ALTER SCHEMA s OWNER TO o"),
	"a value is renamed":                        finds("rename-enum-value", "ALTER TYPE e RENAME VALUE 'a' TO 'b'"),
	"a value is added":                          passes("rename-enum-value", "ALTER TYPE e ADD VALUE 'b'"),
	"a value is used when it is added":          finds("enum-value-used-in-same-tx", "ALTER TYPE e ADD VALUE 'b'; ALTER TABLE t ALTER c SET DEFAULT 'b'").in(perFile),
	"a value is used when it is there":          passes("enum-value-used-in-same-tx", "ALTER TYPE e ADD VALUE 'b'; ALTER TABLE t ALTER c SET DEFAULT 'b'"),
	"a table is dropped":                        finds("drop-table", "DROP TABLE IF EXISTS s.t, u CASCADE"),
	"a view is dropped":                         finds("drop-table", "DROP VIEW v"),
	"a new table is dropped":                    passes("drop-table", mixedFile+"DROP TABLE n"),
	"a function is dropped":                     passes("drop-table", "DROP FUNCTION f()"),
	"a schema is dropped":                       finds("drop-schema", "DROP SCHEMA s CASCADE"),
	"all that a role owns is dropped":           finds("drop-schema", "DROP OWNED BY r"),
	"a role is dropped":                         passes("drop-schema", "DROP ROLE r"),
	"a database is dropped":                     finds("drop-database", "DROP DATABASE IF EXISTS d"),
	"a database gets a comment":                 passes("drop-database", "COMMENT ON DATABASE d IS 'x'"),
	"TRUNCATE":                                  finds("truncate", "TRUNCATE TABLE ONLY t RESTART IDENTITY CASCADE"),
	"TRUNCATE of a new table":                   passes("truncate", mixedFile+"TRUNCATE n"),
	"DROP NOT NULL":                             finds("drop-not-null", "ALTER TABLE t ALTER c DROP NOT NULL"),
	"SET NOT NULL is not DROP NOT NULL":         passes("drop-not-null", "ALTER TABLE t ALTER c SET NOT NULL"),
	"DROP DEFAULT":                              finds("drop-default", "ALTER TABLE t ALTER c DROP DEFAULT"),
	"SET DEFAULT is not DROP DEFAULT":           passes("drop-default", "ALTER TABLE t ALTER c SET DEFAULT 1"),
	"SET DEFAULT":                               finds("change-default", "ALTER TABLE t ALTER c SET DEFAULT 1"),
	"SET DEFAULT of a new column":               passes("change-default", "ALTER TABLE t ADD c int; ALTER TABLE t ALTER c SET DEFAULT 1"),
	"DROP CONSTRAINT":                           finds("drop-constraint", "ALTER TABLE t DROP CONSTRAINT IF EXISTS x CASCADE"),
	"DROP CONSTRAINT of its own":                passes("drop-constraint", "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0) NOT VALID; ALTER TABLE t DROP CONSTRAINT x"),
	"a function that mentions a dropped column": finds("function-references-column", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT name FROM t $$; ALTER TABLE t DROP name"),
	"a function that mentions another":          passes("function-references-column", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT rename FROM t $$; ALTER TABLE t DROP name"),
	"a view of a star":                          finds("select-star", "CREATE OR REPLACE VIEW v AS SELECT t.* FROM t"),
	"a view of count(*)":                        passes("select-star", "CREATE VIEW v AS SELECT count(*) AS n FROM t"),

	// Transactions and hygiene.
	"two tables in one transaction":     finds("many-ddl-in-one-tx", "ALTER TABLE t ADD a int; ALTER TABLE u ADD a int").in(perFile),
	"one table twice":                   passes("many-ddl-in-one-tx", "ALTER TABLE t ADD a int; ALTER TABLE t ADD b int").in(perFile),
	"two tables, one of them new":       passes("many-ddl-in-one-tx", mixedFile+"ALTER TABLE n ADD b int; ALTER TABLE u ADD a int").in(perFile),
	"rows after DDL":                    finds("ddl-plus-dml-in-one-tx", "ALTER TABLE t ADD a int; INSERT INTO t VALUES (1)").in(perFile),
	"rows of a new table":               passes("ddl-plus-dml-in-one-tx", mixedFile+"INSERT INTO n VALUES (1)").in(perFile),
	"rows after DDL, no transaction":    passes("ddl-plus-dml-in-one-tx", "ALTER TABLE t ADD a int; INSERT INTO t VALUES (1)"),
	"a lock without a limit":            finds("require-lock-timeout", "ALTER TABLE t ADD a int"),
	"a lock with a limit of 0":          finds("require-lock-timeout", "SET lock_timeout = 0; ALTER TABLE t ADD a int"),
	"a lock with the limit of another":  finds("require-lock-timeout", "SET LOCAL lock_timeout = '1s'; ALTER TABLE t ADD a int"),
	"a lock after RESET":                finds("require-lock-timeout", "SET lock_timeout = '1s'; RESET lock_timeout; ALTER TABLE t ADD a int"),
	"a lock with a limit":               passes("require-lock-timeout", "SET LOCAL lock_timeout = '1s'; ALTER TABLE t ADD a int").in(perFile),
	"a lock with a limit by set_config": passes("require-lock-timeout", "SELECT set_config('lock_timeout', '1s', true); ALTER TABLE t ADD a int").in(perFile),
	"a new table needs no limit":        passes("require-lock-timeout", mixedFile+"ALTER TABLE n ADD b int"),
	"BEGIN in a transaction":            finds("transaction-nesting", "BEGIN; SELECT 1; COMMIT").in(perFile),
	"COMMIT of somebody else":           finds("transaction-nesting", "SELECT 1; COMMIT; SELECT 2").in(perFile),
	"BEGIN twice":                       finds("transaction-nesting", "BEGIN; START TRANSACTION; COMMIT"),
	"BEGIN and COMMIT":                  passes("transaction-nesting", "BEGIN; SELECT 1; COMMIT; BEGIN; END"),
	"BEGIN without an end":              finds("uncommitted-transaction", "BEGIN; SELECT 1"),
	"BEGIN with END":                    passes("uncommitted-transaction", "BEGIN; SELECT 1; END"),
	"a name of 64 bytes":                finds("identifier-too-long", "CREATE TABLE a234567890123456789012345678901234567890123456789012345678901234 (a int)"),
	"a name of 63 bytes":                passes("identifier-too-long", "CREATE TABLE a23456789012345678901234567890123456789012345678901234567890123 (a int)"),
	"a string of 64 bytes":              passes("identifier-too-long", "SELECT 'a234567890123456789012345678901234567890123456789012345678901234'"),
	"a column is assigned twice":        finds("duplicate-assignment", "UPDATE t SET a = 1, a = 2 WHERE id = 1"),
	"two elements of an array":          passes("duplicate-assignment", "UPDATE t SET a[1] = 1, a[2] = 2 WHERE id = 1"),
	"a DO block":                        finds("not-looked-into", "DO $$ BEGIN ALTER TABLE t ADD c int NOT NULL; END $$"),
	"a function is no DO block":         passes("not-looked-into", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT 1 $$"),
	"a key of 32 bits":                  finds("prefer-bigint", "CREATE TABLE t (id int PRIMARY KEY)"),
	"a key of 32 bits, as a constraint": finds("prefer-bigint", "CREATE TABLE t (id int, PRIMARY KEY (id))"),
	"a foreign key of 32 bits":          finds("prefer-bigint", "ALTER TABLE t ADD o_id int REFERENCES o"),
	"a number of 32 bits":               passes("prefer-bigint", "CREATE TABLE t (id bigint PRIMARY KEY, n int)"),
	"a timestamp":                       finds("prefer-timestamptz", "CREATE TABLE t (at timestamp)"),
	"a timestamp with time zone":        passes("prefer-timestamptz", "CREATE TABLE t (at timestamp with time zone)"),
	"json":                              finds("prefer-jsonb", "ALTER TABLE t ADD c json"),
	"jsonb":                             passes("prefer-jsonb", "ALTER TABLE t ADD c jsonb"),
	"char(3)":                           finds("ban-char", "CREATE TABLE t (c char(3))"),
	"varchar(3) is not char":            passes("ban-char", "CREATE TABLE t (c varchar(3))"),
	"a foreign key of another type":     finds("mismatched-fk-type", "CREATE TABLE o (id bigserial PRIMARY KEY); CREATE TABLE t (o int REFERENCES o)"),
	"a foreign key of the same type":    passes("mismatched-fk-type", "CREATE TABLE o (id bigserial PRIMARY KEY); CREATE TABLE t (o bigint REFERENCES o (id))"),
	"what 18 knows":                     finds("not-parsed", "ALTER TABLE t ADD CONSTRAINT x NOT NULL c NOT VALID"),
	"what nobody knows":                 finds("not-parsed", "SELECT 1; ALTER TABEL t; SELECT 2"),
	"a zero byte":                       finds("not-parsed", "SELECT 1;\x00 DROP TABLE t"),
	"what would end the parser":         finds("not-parsed", "SELECT 1"+string(slices.Repeat([]byte("+1"), 20000))),
	"what 17 knows":                     passes("not-parsed", "CREATE TABLE t (a int); SELECT 1;;"),
	"an allow without a reason":         finds("allow-without-reason", "-- handover:allow drop-column\nALTER TABLE t DROP c"),
	"an allow of no rule":               finds("allow-unknown-rule", "-- handover:allow drop-colunm because\nALTER TABLE t DROP c"),
	"an allow that is not used":         finds("allow-unused", "-- handover:allow drop-column because\nSELECT 1"),
	"a good allow has a reason":         passes("allow-without-reason", "-- handover:allow drop-column because\nALTER TABLE t DROP c"),
	"a good allow names a rule":         passes("allow-unknown-rule", "-- handover:allow drop-column because\nALTER TABLE t DROP c"),
	"a good allow is used":              passes("allow-unused", "-- handover:allow drop-column because\nALTER TABLE t DROP c"),

	// Taste.
	"a statement without a limit":       finds("require-statement-timeout", "ALTER TABLE t ADD a int").in(style),
	"a statement with a limit":          passes("require-statement-timeout", "SET statement_timeout = '1min'; ALTER TABLE t ADD a int").in(style),
	"a value comes last":                finds("require-enum-value-ordering", "ALTER TYPE e ADD VALUE 'b'").in(style),
	"a value has its place":             passes("require-enum-value-ordering", "ALTER TYPE e ADD VALUE 'b' AFTER 'a'").in(style),
	"a table without its guard":         finds("prefer-robust-statements", "CREATE TABLE t (a int)").in(style),
	"a table with its guard":            passes("prefer-robust-statements", "CREATE TABLE IF NOT EXISTS t (a int)").in(style),
	"a table without its schema":        finds("require-table-schema", "CREATE TABLE t (a int)").in(style),
	"a table with its schema":           passes("require-table-schema", "CREATE TABLE s.t (a int)").in(style),
	"bigserial":                         finds("prefer-identity", "CREATE TABLE t (id bigserial)").in(style),
	"identity":                          passes("prefer-identity", "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY)").in(style),
	"varchar":                           finds("prefer-text", "CREATE TABLE t (a varchar(3))").in(style),
	"text":                              passes("prefer-text", "CREATE TABLE t (a text)").in(style),
	"an index over four columns":        finds("index-too-wide", "CREATE INDEX CONCURRENTLY ON t (a, b, c, d)").in(style),
	"an index over three columns":       passes("index-too-wide", "CREATE INDEX CONCURRENTLY ON t (a, b, c) INCLUDE (d)").in(style),
	"taste is not asked without a wish": passes("prefer-text", "CREATE TABLE t (a varchar(3))"),
}

func TestRules(t *testing.T) {
	for sentence, s := range spellings {
		t.Run(sentence, func(t *testing.T) {
			findings, err := lint.SQL(s.sql, s.with)
			require.NoError(t, err)
			var of []lint.Finding
			for _, f := range findings {
				if f.Rule == s.rule {
					of = append(of, f)
				}
				if s.rule != "not-parsed" {
					require.NotEqual(t, "not-parsed", f.Rule, f.Problem)
				}
			}
			if !s.finds {
				require.Empty(t, of)
				return
			}
			require.Len(t, of, 1)
			require.NotEmpty(t, of[0].Problem)
			require.NotEmpty(t, of[0].Remedy)
		})
	}
}

func TestEachRuleHasBeenSeenToFailAndToPass(t *testing.T) {
	found, passed := map[string]bool{}, map[string]bool{}
	for _, s := range spellings {
		found[s.rule] = found[s.rule] || s.finds
		passed[s.rule] = passed[s.rule] || !s.finds
	}
	want := map[string]bool{}
	for _, r := range lint.Rules() {
		require.False(t, want[r.Name], "%s twice", r.Name)
		want[r.Name] = true
	}
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(found)))
	require.Equal(t, want, found)
	require.Equal(t, want, passed)
}
