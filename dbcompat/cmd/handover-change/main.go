// Command handover-change walks a change from stage to stage, and says what is in the way.
//
//	handover-change migrate                      # the tables, or: export DIRECTORY
//	handover-change create -change users-name -table users -old name -new display_name -fence
//	handover-change status -change users-name    # also plan, instances, events
//	handover-change advance -wait -change users-name dual-write
//	handover-change backfill -change users-name  # also backfill pause, resume, cancel
//	handover-change verify -change users-name
//	handover-change rollback -wait -change users-name dual-write
//	handover-change declare -change users-name writer nightly-job    # and withdraw
//	handover-change contract -change users-name hide                 # show, drop
//
// Without a stage, advance and rollback take the next one: in a pipeline say it, as the
// same command is nothing then if the change is there already. With -wait, and with the
// command wait, the change is settled: nobody is at the stage before any more.
//
// The database is that of -database, or of DATABASE_URL, or of the variables PGHOST and so
// on. With -json the answer is JSON on standard output, a refusal too; what is under way is
// on standard error, on a terminal in a line that is drawn over itself.
//
// After an interruption of a back-fill, a Ctrl-C too, the same command goes on where it was.
//
// It exits with 0 if it is done, or ready; with 1 if it is refused or not ready, with a line
// for each thing that is missing; with 2 if the command is wrong, or there is no such
// change, or no database; and with 3 if it was interrupted.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/cmd/internal/progress"
)

const (
	exitRefused     = 1
	exitWrong       = 2
	exitInterrupted = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return exitWrong // which has been said
	}
	s, err := begin(ctx, c, stderr)
	if err != nil {
		return tell(c, stdout, stderr, err, exitWrong)
	}
	defer s.pool.Close()
	limited, cancel := ctx, context.CancelFunc(func() {})
	if c.timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, c.timeout)
	}
	defer cancel()
	a, err := verbs()[c.verb].do(limited, s)
	s.screen.Clear()
	if err != nil {
		return tell(c, stdout, stderr, err, s.exit(ctx, err))
	}
	if !c.json {
		fmt.Fprint(stdout, a.text)
		return a.code
	}
	body, err := json.MarshalIndent(a.value, "", "  ")
	if err != nil {
		return tell(c, stdout, stderr, err, exitWrong)
	}
	fmt.Fprintln(stdout, string(body))
	return a.code
}

// An answer is what a command has to say.
type answer struct {
	value any // for -json
	text  string
	code  int // exitRefused if it is not what one hopes for
}

// A session is a command at a database.
type session struct {
	command
	pool   *pgxpool.Pool
	walk   *walk.Walk
	screen *progress.Screen
}

func begin(ctx context.Context, c command, stderr io.Writer) (*session, error) {
	config, err := pgxpool.ParseConfig(c.database)
	if err != nil {
		return nil, fmt.Errorf("handover-change: -database: %w", err)
	}
	config.MaxConns = 3 // the batch, who looks after it, the progress
	config.ConnConfig.RuntimeParams["application_name"] = "handover-change"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("handover-change: %w", err)
	}
	s := &session{command: c, pool: pool, screen: progress.On(stderr)}
	if verbs()[c.verb].offline {
		return s.with(c), nil
	}
	if err := s.reach(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("handover-change: no database: %w", err)
	}
	return s.with(c), nil
}

func (s *session) with(c command) *session {
	c.config.Waiting = func(missing []walk.Missing) { s.screen.Show(waits(missing)) }
	s.walk = walk.New(s.pool, c.change, c.config)
	return s
}

// reach is whether there is a database.
func (s *session) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return s.pool.Ping(ctx)
}

// exit is what a script is to make of an error.
func (s *session) exit(ctx context.Context, err error) int {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	if _, notReady := errors.AsType[*walk.NotReadyError](err); notReady || errors.Is(err, walk.ErrMoved) || verbs()[s.verb].offline {
		return exitRefused
	}
	if errors.Is(err, walk.ErrNoChange) || noTables(err) || s.reach(ctx) != nil {
		return exitWrong
	}
	return exitRefused
}

func noTables(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "42P01" || pg.Code == "3F000")
}

// tell says what is wrong, and to programs what is missing.
func tell(c command, stdout, stderr io.Writer, err error, code int) int {
	fmt.Fprintln(stderr, err)
	if code == exitInterrupted {
		fmt.Fprintln(stderr, "interrupted: "+verbs()[c.verb].again)
	}
	if !c.json {
		return code
	}
	refusal := struct {
		Error   string         `json:"error"`
		Missing []walk.Missing `json:"missing,omitempty"`
	}{Error: err.Error()}
	if notReady, ok := errors.AsType[*walk.NotReadyError](err); ok {
		refusal.Missing = notReady.Missing
	}
	body, _ := json.MarshalIndent(refusal, "", "  ") // they are texts
	fmt.Fprintln(stdout, string(body))
	return code
}
