package probes

import (
	"reflect"
	"runtime"
	"strings"
)

// dialers are packages whose functions are known to go over a network. What is
// wrapped in a function of one's own is not recognised: Check.Dials is for that.
func dialers() []string {
	return []string{
		"database/sql.", "net.", "net/http.",
		"github.com/jackc/pgx/", "github.com/lib/pq.", "github.com/go-sql-driver/mysql.",
		"github.com/redis/", "github.com/go-redis/", "go.mongodb.org/", "github.com/nats-io/",
		"google.golang.org/grpc.",
	}
}

// external says why a check may not decide whether the process lives. A database's
// hiccup that restarts every container has them all reconnect at once:
// srcco.de/posts/kubernetes-liveness-probes-are-dangerous.html
func (c Check) external() string {
	switch {
	case c.Kind != Liveness:
		return ""
	case c.Scope == Shared:
		return "a shared check on liveness restarts every instance at once and heals none: make it a readiness check"
	case c.Dials:
		return "a check that dials (Dials) on liveness restarts this instance when something else is broken: make it a readiness check"
	}
	if name := dialer(c.Run); name != "" {
		return name + " dials, and on liveness it restarts this instance when something else is broken: make it a readiness check"
	}
	return ""
}

// dialer is the name of a function that is known to dial. A method value such as
// pool.Ping is called "github.com/jackc/pgx/v5/pgxpool.(*Pool).Ping-fm".
func dialer(run any) string {
	v := reflect.ValueOf(run)
	if v.IsNil() {
		return ""
	}
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return ""
	}
	name := strings.TrimSuffix(f.Name(), "-fm")
	for _, prefix := range dialers() {
		if strings.HasPrefix(name, prefix) {
			return name
		}
	}
	return ""
}
