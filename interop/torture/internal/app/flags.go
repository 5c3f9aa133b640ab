package app

import (
	"flag"
	"fmt"
	"os"
	"time"
)

// Flags is what every variant is told on its command line.
type Flags struct {
	Addr    string // host:port of the service: HTTP/1 and HTTP/2
	Admin   string // host:port of GET /readyz
	GRPC    string // host:port of gRPC; empty: none
	TLS     bool   // Addr speaks TLS, with a certificate that nobody can check
	Version string // comes back in the header X-Version
	Grace   time.Duration
	Delay   time.Duration // the shutdown delay, for those that have one; 0: their default
}

// Parse reads the command line, and ends the program when it is not understood.
func Parse() Flags {
	var f Flags
	flag.StringVar(&f.Addr, "addr", "127.0.0.1:8080", "`host:port` of HTTP")
	flag.StringVar(&f.Admin, "admin", "127.0.0.1:8081", "`host:port` of /readyz")
	flag.StringVar(&f.GRPC, "grpc", "", "`host:port` of gRPC; empty: none")
	flag.BoolVar(&f.TLS, "tls", false, "serve TLS on -addr")
	flag.StringVar(&f.Version, "version", "v1", "what X-Version says")
	flag.DurationVar(&f.Grace, "grace", 30*time.Second, "the platform's `time` from SIGTERM to SIGKILL")
	flag.DurationVar(&f.Delay, "delay", 0, "the shutdown delay; 0: the default")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q: only flags are understood\n", flag.Arg(0))
		os.Exit(2)
	}
	return f
}

// Service is the service as these flags want it. Who can tell handlers that the
// process stops sets its Draining.
func (f Flags) Service() Service { return Service{Version: f.Version} }
