// Featureflags is a service whose behaviour changes while it runs: a rollout that is defined
// in a file, and a console on the admin port to look at it and to kill it.
//
//	go run ./examples/featureflags
//	curl -H 'User: ada' localhost:8080/checkout
//
// Ada is one of the 20 % that get the new checkout. Change flags.json, and ask again: it
// is made in the current directory if it is not there. http://localhost:8081/flags/ is
// the console; a flag's own page has the form that kills it.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
	"github.com/handover-go/handover/flags/fileflags"
	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/shutdown"
)

//go:embed flags.json
var bootstrap []byte

func main() {
	file := flag.String("file", "flags.json", "the definitions; made if there are none")
	addr := flag.String("addr", "localhost:8080", "where the service listens")
	admin := flag.String("admin", "localhost:8081", "where the probes and the console listen")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q: only flags are understood, as in -file %[1]s\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	if err := run(ctx, *file, *addr, *admin); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, file, addr, adminAddr string) error {
	if err := writeIfMissing(file); err != nil {
		return err
	}
	newCheckout := flags.Bool("new-checkout-flow", false, flags.About{Owner: "payments", Expires: "2027-03-01"})
	fl := flags.New(fileflags.New(file, fileflags.Config{}), flags.Config{Bootstrap: bootstrap}, newCheckout)
	health := probes.New(probes.Config{})
	stale := probes.Check{Name: "flags", Kind: probes.Readiness, Scope: probes.Local, Impact: probes.Degrading, Run: fl.Check}
	if err := health.Add(stale); err != nil {
		return err
	}
	people, err := console.New(fl, console.Config{Writable: true}) // from this machine only, as there is no token
	if err != nil {
		return err
	}

	adminMux := http.NewServeMux()
	adminMux.Handle("/", health.Handler())
	adminMux.Handle("/flags/", http.StripPrefix("/flags/", people))
	admin := shutdown.HTTP(&http.Server{Addr: adminAddr, Handler: adminMux}, shutdown.Config{})
	api := shutdown.HTTP(&http.Server{Addr: addr, Handler: fl.Middleware(user, checkout(newCheckout))}, shutdown.Config{})

	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "flags", Start: fl.Start, Run: fl.Run},
		lifecycle.Component{Name: "checks", Run: health.Run}, // after what they look at
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
	)
	app.Together( // told at the signal, while everything still serves
		lifecycle.Component{Name: "ready", Start: health.Ready, Stop: health.Drain},
		lifecycle.Component{Name: "flags frozen", Stop: fl.Freeze},
	)
	return app.Run(ctx)
}

// user is who asks: where a rollout puts them must not depend on the machine or the day.
func user(r *http.Request) flags.Subject {
	return flags.Subject{Key: r.Header.Get("User"), Attributes: map[string]any{"country": r.Header.Get("Country")}}
}

func checkout(isNew flags.Switch) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkout", func(w http.ResponseWriter, r *http.Request) {
		if isNew.On(r.Context()) {
			fmt.Fprintln(w, "the new checkout")
			return
		}
		fmt.Fprintln(w, "the old checkout")
	})
	return mux
}

func writeIfMissing(file string) error {
	_, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.WriteFile(file, bootstrap, 0o600)
	}
	return err
}
