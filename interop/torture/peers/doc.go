// Package peers has the tortured service once for each library of the field that
// stops servers, and once written by hand. The programs below it take the same
// flags and answer the same requests as those in ../service; each stops as the
// documentation of its library shows, with the library's own times where it has
// any. Where that is silent the program does what its author would want: gRPC is
// bounded by the same time as HTTP, and no time-out ends a stream that nobody
// stops.
//
//	ctrlruntime     sigs.k8s.io/controller-runtime: a manager with manager.Server
//	dskitserver     github.com/grafana/dskit/server: Run, then Shutdown
//	fxhook          go.uber.org/fx: Shutdown in an OnStop hook
//	handwritten     no library: readiness off, two seconds, Shutdown
//	knativedrainer  knative.dev/pkg: Drain before Shutdown
//	orygraceful     github.com/ory/graceful: WithDefaults and Graceful
//
// None of them tells its streams to end, as no library here has a word for it.
//
// They are a module of their own, so that what they require is neither compiled
// nor chosen for anybody else. With the race detector they are not built: for
// Kubernetes that takes minutes, and it is not what is examined.
package peers
