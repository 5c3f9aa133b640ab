package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config is what a server is to be. Its zero value is a good one.
type Config struct {
	// Settings go to postgresql.conf, over the defaults: those of PostgreSQL, but
	// that nothing is synced to the disk and that it listens on its socket only.
	Settings map[string]string
}

// A Server is one PostgreSQL. Its methods may be called from any goroutine, in any
// order and twice. Make one with [New].
type Server struct {
	config  Config
	primary *Server // nil, or whom it follows

	mu      sync.Mutex // held for as long as a command takes
	bin     string     // the directory of the binaries
	dir     string     // "" if there is nothing on the disk
	guard   *guard
	running bool
}

// New makes a server, and starts nothing. Its binaries will be those in the directory
// PGBIN, or else of the initdb in PATH, or else the newest that a package of Debian,
// Red Hat, Alpine or Homebrew has installed.
func New(config Config) *Server { return &Server{config: config} }

// Standby makes a server that follows s. When it is first started it is copied from s,
// which is started for that if it does not run. It streams, and answers queries unless
// Settings has hot_standby off.
func (s *Server) Standby(config Config) *Server { return &Server{config: config, primary: s} }

// Start has the server accept connections; the first time it makes it, which takes most
// of a second. After Stop or Kill it has the data, and the URL, that it had. The server
// ends with this process, with Close, or when nobody refers to s any more.
//
// It is an error for which errors.Is says [ErrNotInstalled] if there is no PostgreSQL.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return nil
	}
	if s.dir == "" {
		if err := s.create(ctx); err != nil {
			return errors.Join(fmt.Errorf("pgtest: make server: %w", err), s.remove())
		}
	}
	if err := s.run(ctx, "pg_ctl", "-D", s.data(), "-l", s.log(), "-w", "start"); err != nil {
		return fmt.Errorf("pgtest: start server: %w\n%s", err, tail(s.log()))
	}
	s.running = true
	return nil
}

// Stop ends it in good order: sessions are ended, transactions in flight rolled back,
// and what is committed is kept.
func (s *Server) Stop(ctx context.Context) error { return s.stop(ctx, "fast") }

// Kill ends it as a crash does: without a checkpoint, so that the next Start recovers.
func (s *Server) Kill(ctx context.Context) error { return s.stop(ctx, "immediate") }

func (s *Server) stop(ctx context.Context, mode string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return nil
	}
	if err := s.run(ctx, "pg_ctl", "-D", s.data(), "-m", mode, "-w", "stop"); err != nil {
		return fmt.Errorf("pgtest: stop server: %w\n%s", err, tail(s.log()))
	}
	s.running = false
	return nil
}

// Close ends it and removes all of it. A Start after that makes a new one.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.remove(); err != nil {
		return fmt.Errorf("pgtest: close server: %w", err)
	}
	return nil
}

func (s *Server) remove() error {
	if s.dir == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	// Whether or not it runs: a start that was cancelled may have come to its end.
	_ = s.run(ctx, "pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop")
	err := os.RemoveAll(s.dir)
	s.guard.dismiss()
	s.dir, s.guard, s.running = "", nil, false
	return err
}

// URL is that of the database postgres, for its superuser; empty before the first Start
// and after Close.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return ""
	}
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/postgres"}
	u.RawQuery = url.Values{"host": {s.dir}}.Encode()
	return u.String()
}

func (s *Server) runs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

const superuser = "postgres"

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) log() string { return filepath.Join(s.dir, "log") }

// tail is the end of a log, as far as it may be of interest.
func tail(name string) string {
	const most = 4 << 10
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
