// Package pgtest is a real PostgreSQL, made in a second and gone with the process
// that made it.
//
// A test that needs a database takes one; the first to do so starts the server that
// all tests of the binary share:
//
//	var pg = pgtest.New(pgtest.Config{}) // starts nothing
//
//	func TestIt(t *testing.T) {
//		pool, err := pgxpool.New(t.Context(), pg.Database(t))
//
// A test that stops or kills its server, or has settings for it, takes one of its own:
//
//	primary := pgtest.New(pgtest.Config{}).For(t)
//	standby := primary.Standby(pgtest.Config{}).For(t)
//
// and a program has it as a component:
//
//	pg := pgtest.New(pgtest.Config{})
//	lifecycle.Component{Name: "postgres", Start: pg.Start, Stop: lifecycle.Call(pg.Close)}
//
// A server is a directory for temporary files, with its data, its log and its socket.
// There is no port, so two test binaries cannot want the same one, and none can be
// lost between a stop and a start. PostgreSQL refuses root, so for root it is run by
// the user postgres, or else nobody.
//
// The invariant: no server outlives the process that made it, however that ends
// (CherryHQ/stella#1112, fergusstrange/embedded-postgres#148). A small shell waits for
// the end of a pipe whose other end this process holds; then it stops the server and
// removes the directory. PR_SET_PDEATHSIG would not do: it comes when a thread ends.
//
// Where there are no server binaries tests are skipped, but fail where CI is true. For
// PGBIN, and for servers of somebody else, see [New] and [Server.Database].
package pgtest
