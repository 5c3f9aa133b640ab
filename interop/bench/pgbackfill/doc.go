// Package pgbackfill measures what a back-fill costs, and what it costs the others: with
// an open-loop load of 200 UPDATEs of a row per second on the same table, which write both
// columns as a program at the stage dual-write does.
//
//	none             the load alone: what the machine's own noise is
//	plain-n          keyset batches of n rows by hand, each one statement
//	handover-n       dbcompat/backfill, with as many rows to a batch
//	handover-vacuum  with 1,000 to a batch, and a VACUUM after each tenth of the table
//	pgroll-1000      pgroll's add_column with an up expression, as a library
//
// What is reported:
//
//	rows/s           of the back-fill alone, setting up left out for pgroll
//	p50-ms … max-ms  of the load, from the time at which an UPDATE was due
//	x-size           the table's size at the end, as a multiple of what it was
//
// A row that is not what it should be, at the end, fails the benchmark: it is a lost update.
// The server syncs each commit to the disk, and has the settings of PostgreSQL otherwise.
//
// The machine drifts, so the contenders take turns, in three rounds, and each round begins
// with another one. The ratios of a round are what counts:
//
//	HANDOVER_BENCH_BACKFILL_ROWS=500000 go test -run '^$' -bench . -benchtime 1x | tee new.txt
//	benchstat -ignore /round -col /contender new.txt
//
// It is a package of its own for its imports: pgx and pgroll.
package pgbackfill
