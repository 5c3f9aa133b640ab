// Package console shows a change to people: its stage, who is in it, what is missing,
// and what has happened.
//
//	admin, err := console.New(w, console.Config{Mismatches: &mismatches})
//	mux.Handle("/change/", http.StripPrefix("/change", admin))
//
// It answers a GET of ./ with JSON, or with a page for whoever names text/html. The page
// has no scripts, loads nothing, and comes again every 5 s.
//
//	state        walk.State: stage, instances, back-fill, verification
//	steps        walk.Plan's: the next ones, and what each still misses
//	events       walk.Event: the last ones
//	mismatches   dbcompat.Mismatches, of this process
//	took         the database
//
// Everybody who can reach it reads: names of instances, texts of errors, and keys of rows
// that differ. Put it on the admin port, where only the right people can.
//
// The invariant: it changes nothing, and it does not block. One request asks the database
// at a time, the others wait for it, and all have an answer within Config.Timeout, if only
// the one that the database has none.
package console
