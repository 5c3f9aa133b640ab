// Package bench measures what a stop costs, beside the libraries of the field:
//
//	BenchmarkMiddleware    what a request pays for being tracked
//	BenchmarkIdle          10,000 idle connections are closed: processor time, bursts
//	BenchmarkLateness      how long after the linger's end a stop returns
//	BenchmarkExit          from SIGTERM to the exit of a program with nothing in flight
//	BenchmarkGracefulStop  gRPC's GracefulStop behind shutdown.Graceful, and bare
//	BenchmarkFlags         an evaluation with 500 flags loaded, beside six clients
//	BenchmarkFlagsReload   what evaluations take while all 500 flags are exchanged
//	pgbackfill             a back-fill beside plain SQL and pgroll, with a load on the table
//
// The libraries make it a module of its own. In its directory:
//
//	go test -run '^$' -bench . -benchmem -count 5 | tee new.txt
//	benchstat new.txt
//
// With the race detector nothing of it is built, since that would measure the
// detector. The servers of BenchmarkIdle and BenchmarkExit are processes of their
// own, so that processor time is theirs alone.
package bench
