// Complete is a service with all five packages: users and their orders, as JSON over
// PostgreSQL, with an event stream, a WebSocket, and a queue that is worked off.
//
//	go run ./examples/complete
//	curl -d '{"display_name":"Ada"}' localhost:8080/users
//	curl -d '{"user":1,"item":"tea"}' localhost:8080/orders
//	curl -N localhost:8080/orders/1/events
//	curl 'localhost:8080/search?q=a'
//
// Without DATABASE_URL it has a PostgreSQL of its own, which ends with it. One that stays
// is prepared once, by -migrate. On localhost:8081 are the probes, /metrics, /flags/, where
// gift-wrap and search can be looked at, and killed, and /change/.
//
// users.name is being replaced by users.display_name. The service is at the stage that the
// database says, and goes on at each of them; package dbcompat/change/walk moves it, or
// dbcompat/cmd/handover-change. /change/ shows how far it is, and what the next step misses.
//
// Exit status: 0 after a signal if nothing was lost, 1 if something was or a part of it
// has failed, 2 for wrong input or without PostgreSQL.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/handover-go/handover/dbcompat/change"
	changeconsole "github.com/handover-go/handover/dbcompat/change/console"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/pgprobes"
	"github.com/handover-go/handover/probes/watchdog"
	"github.com/handover-go/handover/shutdown"
)

func main() {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

type options struct {
	listen, admin string
	version       string
	grace         time.Duration
	work          time.Duration
	migrate       bool
}

func run(ctx context.Context, args []string, errs io.Writer) int {
	o, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var db *database
	if err == nil {
		db, err = open(ctx, os.Getenv("DATABASE_URL"), o.migrate)
	}
	switch {
	case err != nil && ctx.Err() != nil && !o.migrate:
		return 0 // it was asked to end before it was there
	case err != nil:
		fmt.Fprintln(errs, "complete:", err)
		return 2
	case o.migrate:
		db.pool.Close()
		return 0
	}
	if err := serve(ctx, o, db); err != nil {
		fmt.Fprintln(errs, "complete:", err)
		return 1
	}
	return 0
}

func parse(args []string, errs io.Writer) (options, error) {
	var o options
	set := flag.NewFlagSet("complete", flag.ContinueOnError)
	set.SetOutput(errs)
	set.StringVar(&o.listen, "listen", "localhost:8080", "where the service listens")
	set.StringVar(&o.admin, "admin", "localhost:8081", "where probes, metrics and the consoles listen")
	set.StringVar(&o.version, "version", revision(), "of this build; in the header X-Version and in the metrics")
	set.DurationVar(&o.grace, "grace", 30*time.Second, "from SIGTERM to SIGKILL: Kubernetes grants 30s, docker stop 10s")
	set.DurationVar(&o.work, "work", 200*time.Millisecond, "how long it takes to ship an order")
	set.BoolVar(&o.migrate, "migrate", false, "prepare the database at DATABASE_URL, and end")
	if err := set.Parse(args); err != nil {
		return o, err // has been printed, with the usage
	}
	switch {
	case set.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: only flags are understood, see -help", set.Arg(0))
	case o.grace <= 0:
		return o, fmt.Errorf("-grace is %v: give the time from SIGTERM to SIGKILL, as in 30s", o.grace)
	case o.work < 0 || o.work > longest:
		return o, fmt.Errorf("-work is %v: give 0 to %v", o.work, longest)
	}
	return o, nil
}

// serve is the program: its parts, and the order in which they start and stop.
func serve(ctx context.Context, o options, db *database) error {
	wrapping, searching := giftWrap(), search()
	fl := flags.New(pgflags.New(db.pool, pgflags.Config{}), flags.Config{Bootstrap: bootstrap}, wrapping, searching)
	name := displayName()
	ch := change.New(db.pool, changeName, name.Columns(), change.Config{Version: o.version, Statements: db.statements})
	users := &users{pool: db.pool, statements: db.statements, change: ch, name: name}
	orders := &orders{pool: db.pool, users: users, version: o.version, work: o.work}
	dog := watchdog.New(watchdog.Config{})
	loop := dog.Heartbeat("jobs", stuck)
	jobs := newJobs(orders, loop)

	health := probes.New(probes.Config{})
	postgres := pgprobes.Pool("postgres", db.pool, pgprobes.Config{})
	postgres.PassAfter = 1 // it only counts until it has passed once
	err := health.Add(
		postgres,
		remembered("change", probes.Critical, ch.Check),
		remembered("flags", probes.Degrading, fl.Check),
		loop.Check(),
	)
	if err != nil {
		return err
	}
	answers := newAnswers(o.version)
	api := newServer("api", o.listen, newAPI(&routes{users, orders, wrapping, searching}, fl, answers, o.version))
	handler, err := newAdmin(health, fl, users, newRegistry(answers, api, health, fl, users))
	if err != nil {
		return err
	}
	admin := newServer("admin", o.admin, handler)

	app := lifecycle.New(lifecycle.Config{GracePeriod: o.grace})
	app.Add(
		lifecycle.Component{Name: "postgres", Stop: lifecycle.Call(db.close)}, // if it is our own
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
		lifecycle.Component{Name: "db", Stop: lifecycle.Call(db.pool.Close)}, // dials when asked: down is unready, and no crash loop
		lifecycle.Component{Name: "flags", Start: fl.Start, Run: fl.Run},
		lifecycle.Component{Name: "change", Start: ch.Join, Run: ch.Run, Stop: ch.Leave},
		lifecycle.Component{Name: "watchdog", Run: dog.Run},
		lifecycle.Component{Name: "checks", Run: health.Run}, // after what they look at
		lifecycle.Component{Name: "jobs", Run: jobs.Run, Stop: jobs.Shutdown, StopTimeout: o.grace / 3},
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
	)
	app.Together( // the last place: told at the signal, while everything still serves
		lifecycle.Component{Name: "ready", Start: health.Ready, Stop: health.Drain},
		lifecycle.Component{Name: "jobs intake", Stop: jobs.Pause},
		lifecycle.Component{Name: "flags frozen", Stop: fl.Freeze},
	)
	return app.Run(ctx)
}

// remembered is a check that answers from memory, so that it may be asked often. What it
// knows, it knows of this instance.
func remembered(name string, impact probes.Impact, check func(context.Context) error) probes.Check {
	return probes.Check{
		Name: name, Kind: probes.Readiness, Scope: probes.Local, Impact: impact,
		Interval: time.Second, PassAfter: 1, Run: check,
	}
}

func newServer(name, addr string, handler http.Handler) *shutdown.Server {
	server := &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: 30 * time.Second}
	return shutdown.HTTP(server, shutdown.Config{Logger: slog.With("server", name)})
}

// newAdmin is for platforms and for those who run the service, on a port of their own.
func newAdmin(health *probes.Set, fl *flags.Client, users *users, metrics http.Handler) (http.Handler, error) {
	people, err := console.New(fl, console.Config{Writable: true}) // from this machine only, as there is no token
	if err != nil {
		return nil, err
	}
	walked, err := changeconsole.New(walk.New(users.pool, changeName, walk.Config{}), changeconsole.Config{Mismatches: &users.compared})
	mux := http.NewServeMux()
	mux.Handle("/", health.Handler())
	mux.Handle("/metrics", metrics)
	mux.Handle("/flags/", http.StripPrefix("/flags", people))
	mux.Handle("/change/", http.StripPrefix("/change", walked)) // it only shows
	return mux, err
}
