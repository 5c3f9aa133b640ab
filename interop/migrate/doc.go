// Package migrate holds the notes of docs/migrate to their word. What they show is a
// part of the programs below, and the tests run both sides of each:
//
//	before, after    the same service, with a library of the field and with this one
//	  httpserver     http.Server.Shutdown by hand
//	  heptioprobes   github.com/heptiolabs/healthcheck
//	  fxhook         go.uber.org/fx: hooks
//	  rungroup       github.com/oklog/run
//	  ctrlruntime    sigs.k8s.io/controller-runtime: a manager
//	pgcolumn         LaunchDarkly's migrator, and dbcompat
//	pgflagtable      a flag table written by hand, and flags
//
// It is a module of its own, so that what the programs of before need is neither
// compiled nor chosen for anybody else.
package migrate
