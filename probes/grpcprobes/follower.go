package grpcprobes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/handover-go/handover/probes"
)

// The statuses of grpc.health.v1 that are used; interop/ proves that they are these.
const (
	serving    = 1
	notServing = 2
)

// Config names what follows readiness. Its zero value is a good one.
type Config struct {
	// Services are full names, such as "shop.v1.Orders", that are as ready as the
	// program is; none by default. The empty name, which stands for the whole server,
	// "startup", "readiness" and "liveness" are there always.
	Services []string
}

// Follower tells a health server of a set. Make one with [New].
type Follower[S ~int32] struct {
	set       *probes.Set
	setStatus func(service string, status S)
	services  [probes.Liveness + 1][]string // by kind
	fault     error
}

// New takes the set and the health server's SetServingStatus, from which S follows. It
// tells nothing yet; what is wrong with its arguments is an error of Start and Run.
func New[S ~int32](set *probes.Set, setStatus func(service string, status S), cfg Config) *Follower[S] {
	f := &Follower[S]{set: set, setStatus: setStatus}
	for kind := probes.Startup; kind <= probes.Liveness; kind++ {
		f.services[kind] = []string{kind.String()}
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("grpcprobes: follow: "+format, args...))
	}
	if set == nil {
		fault("the set is nil: give the one that probes.New has made")
	}
	if setStatus == nil {
		fault("setStatus is nil: give the health server's SetServingStatus")
	}
	for _, name := range cfg.Services {
		if name == probes.Startup.String() || name == probes.Liveness.String() {
			fault("service %q does not follow readiness: it is there already", name)
		}
	}
	f.services[probes.Readiness] = slices.Concat(f.services[probes.Readiness], []string{""}, cfg.Services)
	f.fault = errors.Join(faults...)
	return f
}

// Start tells what holds now, before the gRPC server listens, and returns at once.
func (f *Follower[S]) Start(context.Context) error {
	if f.fault != nil {
		return f.fault
	}
	for kind := probes.Startup; kind <= probes.Liveness; kind++ {
		status, _ := f.set.Status(kind)
		f.tell(kind, status)
	}
	return nil
}

// Run tells of each turn until ctx ends. Then nothing is ready any more, for nobody
// would say so later; liveness and startup stay as they were, as the process may have
// requests to finish.
func (f *Follower[S]) Run(ctx context.Context) error {
	if f.fault != nil {
		return f.fault
	}
	defer f.tell(probes.Readiness, probes.Fail)
	return f.set.Follow(ctx, f.tell)
}

func (f *Follower[S]) tell(kind probes.Kind, status probes.Status) {
	said := S(serving)
	if status == probes.Fail {
		said = notServing
	}
	for _, service := range f.services[kind] {
		f.setStatus(service, said)
	}
}
