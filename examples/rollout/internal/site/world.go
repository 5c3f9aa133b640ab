package site

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/internal/pgtest"
)

// users are there before a deployment; each has a name of before the change.
const users = 400

// World is what the strategies share: the program, and a PostgreSQL with a database that
// is prepared for it, of which each gets a copy.
type World struct {
	dir     string // of what is to be removed
	program string
	pg      *pgtest.Server
}

// Open builds the program, unless it is given, and prepares the database. Without
// PostgreSQL's server binaries the error is pgtest.ErrNotInstalled.
func Open(ctx context.Context, program string) (w *World, err error) {
	w = &World{program: program, pg: pgtest.New(pgtest.Config{})}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if err := w.pg.Start(ctx); errors.Is(err, pgtest.ErrNotInstalled) {
		return w, pgtest.ErrNotInstalled
	} else if err != nil {
		return w, err
	}
	if w.program == "" {
		if w.dir, err = os.MkdirTemp("", "rollout"); err != nil {
			return w, err
		}
		w.program = filepath.Join(w.dir, "complete")
		if err := said(exec.CommandContext(ctx, "go", "build", "-o", w.program, "github.com/handover-go/handover/examples/complete")); err != nil {
			return w, fmt.Errorf("build examples/complete (or give a built one with -program): %w", err)
		}
	}
	return w, w.prepare(ctx)
}

func (w *World) prepare(ctx context.Context) error {
	if err := w.execute(ctx, "postgres", "CREATE DATABASE prepared TEMPLATE template0"); err != nil {
		return err
	}
	migrate := exec.CommandContext(ctx, w.program, "-migrate")
	migrate.Env = append(os.Environ(), "DATABASE_URL="+w.url("prepared"))
	if err := said(migrate); err != nil {
		return fmt.Errorf("complete -migrate: %w", err)
	}
	return w.execute(ctx, "prepared", fmt.Sprintf(
		"INSERT INTO users (name) SELECT 'user-' || n || '-1' FROM generate_series(1, %d) AS n", users))
}

// copy is the URL of a database of its own.
func (w *World) copy(ctx context.Context, name string) (string, error) {
	return w.url(name), w.execute(ctx, "postgres", "CREATE DATABASE "+name+" TEMPLATE prepared")
}

func (w *World) url(database string) string {
	u, _ := url.Parse(w.pg.URL()) // it is one
	u.Path = "/" + database
	return u.String()
}

func (w *World) execute(ctx context.Context, database string, sql ...string) error {
	conn, err := pgx.Connect(ctx, w.url(database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, strings.Join(sql, "; "))
	return err
}

// Close ends the PostgreSQL, and removes what was built.
func (w *World) Close() {
	_ = w.pg.Close() // a server for tests: nobody misses it
	if w.dir != "" {
		_ = os.RemoveAll(w.dir)
	}
}

// said runs a command; its error has what it wrote.
func said(cmd *exec.Cmd) error {
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "FLAGS_KILL=") })
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
