package heptioprobes

import (
	"reflect"
	"runtime"
	"strings"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/probes"
)

// origin is the function of the original that has made a check, "sql.DB" for a method
// of that, or empty.
type origin string

// originOf tells by the name of the function, which is for a closure
//
//	github.com/heptiolabs/healthcheck.TCPDialCheck.func1
//	main.main.TCPDialCheck.func2     where the compiler has inlined the maker
//
// and by the file it is written in.
func originOf(check healthcheck.Check) origin {
	f := runtime.FuncForPC(reflect.ValueOf(check).Pointer())
	if f == nil {
		return ""
	}
	if strings.HasPrefix(f.Name(), "database/sql.") {
		return "sql.DB"
	}
	if file, _ := f.FileLine(f.Entry()); !strings.Contains(file, "heptiolabs/healthcheck") {
		return ""
	}
	parts := strings.Split(f.Name(), ".")
	return origin(parts[max(0, len(parts)-2)])
}

func (o origin) dials() bool {
	switch o {
	case "sql.DB", "TCPDialCheck", "HTTPGetCheck", "DatabasePingCheck", "DNSResolveCheck":
		return true
	}
	return false
}

// fault says why such a check is not taken.
func (o origin) fault(kind probes.Kind) string {
	switch o {
	case "Timeout":
		return "healthcheck.Timeout leaves a goroutine behind at each run of a check that hangs: " +
			"give the check itself, a set has its own Timeout"
	case "Async", "AsyncWithContext":
		return "healthcheck." + string(o) + " says OK for ever when its check hangs: " +
			"give the check itself, a set runs it in the background"
	case "GCMaxPauseCheck":
		if kind == probes.Liveness {
			return "healthcheck.GCMaxPauseCheck remembers one pause for hours, and on liveness restarts this instance for it: " +
				"make it a readiness check"
		}
	}
	return ""
}
