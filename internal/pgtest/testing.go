package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Env is the variable with the URL of a server of somebody else, for a role that may
// create databases. DATABASE_URL is not asked: in a shell it may be one that matters.
const Env = "HANDOVER_TEST_DATABASE"

// patience is for a machine that is busy with other things.
const patience = 2 * time.Minute

// For starts the server, and closes it when the test ends. Without PostgreSQL it skips
// the test, or fails it where CI is true.
func (s *Server) For(tb testing.TB) *Server {
	tb.Helper()
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	s.need(tb)
	return s
}

// Database makes an empty database for one test, and returns its URL. When the test
// ends it is dropped, and the test fails if it has left a session open.
//
// Its server is that of [Env] if there is one and neither Settings nor Standby ask for
// more; or else s, which is started if it does not run, and stays.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv(Env)
	own := server == "" || len(s.config.Settings) > 0 || s.primary != nil
	if own {
		s.need(tb)
		server = s.URL()
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme == "" {
		tb.Fatalf("pgtest: %s is no URL: give one such as postgres://user@host:5432/postgres", Env)
	}
	u.Path = "/pgtest_" + strings.ToLower(rand.Text())
	// Nobody can be connected to template0, which would be an error.
	if err := execute(tb.Context(), server, "CREATE DATABASE "+u.Path[1:]+" TEMPLATE template0"); err != nil {
		tb.Fatalf("pgtest: create database: %v", err)
	}
	tb.Cleanup(func() {
		if !own || s.runs() {
			drop(tb, server, u.Path[1:])
		}
	})
	return u.String()
}

func (s *Server) need(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	err := s.Start(ctx)
	switch {
	case errors.Is(err, ErrNotInstalled) && os.Getenv("CI") != "true":
		tb.Skip(err)
	case err != nil:
		tb.Fatal(err)
	}
}

// drop fails the test if there is a session which does not end within the few seconds
// that PostgreSQL waits for it: a pool that is not closed, a check that goes on.
func drop(tb testing.TB, server, name string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience) // the test's has ended
	defer cancel()
	err := execute(ctx, server, "DROP DATABASE "+name)
	if inUse, ok := errors.AsType[*pgconn.PgError](err); ok && inUse.Code == "55006" {
		tb.Errorf("pgtest: the test has left its database in use: %s", inUse.Detail)
		err = execute(ctx, server, "DROP DATABASE "+name+" WITH (FORCE)")
	}
	if err != nil {
		tb.Errorf("pgtest: drop database: %v", err)
	}
}

func execute(ctx context.Context, url, sql string) error {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}
