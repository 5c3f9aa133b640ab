package pgprobes

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// link is the check's own connection: between two runs it has one or none.
type link struct {
	lifetime time.Duration
	target   func(context.Context) (*pgconn.Config, error)

	mu   sync.Mutex // never held while anything is sent or waited for
	kept *session
}

// ask puts a query that has one row. That a kept session fails means little: the
// server has been restarted in between, an administrator has ended it. What counts is
// what a new one says.
func (l *link) ask(ctx context.Context, query string) ([][]byte, error) {
	if s := l.take(); s != nil {
		answer, err := s.ask(ctx, query)
		if err == nil {
			l.keep(s)
			return answer, nil
		}
		s.drop()
		if ctx.Err() != nil {
			return nil, err
		}
	}
	s, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := s.ask(ctx, query)
	if err != nil {
		s.drop()
		return nil, err
	}
	l.keep(s)
	return answer, nil
}

func (l *link) take() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.kept
	l.kept = nil
	return s
}

// keep is for the next run. Somebody who calls Run of a check twice at a time has two
// sessions, of which one is kept.
func (l *link) keep(s *session) {
	l.mu.Lock()
	room := l.kept == nil && time.Now().Before(s.until)
	if room {
		l.kept = s
	}
	l.mu.Unlock()
	if !room {
		s.close()
	}
}

// expire ends a session that is kept. One that is in use, keep ends.
func (l *link) expire(s *session) {
	l.mu.Lock()
	idle := l.kept == s
	if idle {
		l.kept = nil
	}
	l.mu.Unlock()
	if idle {
		s.close()
	}
}

func (l *link) dial(ctx context.Context) (*session, error) {
	config, err := l.target(ctx)
	if err != nil {
		return nil, &targetError{err}
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	// pgconn ends a query that is late with a goroutine and a second connection, for
	// up to 15 s. Towards a server that has fallen silent these would pile up.
	hijacked, err := conn.Hijack()
	if err != nil {
		return nil, err // it never is: nobody else has the connection
	}
	s := &session{conn: hijacked.Conn, frontend: hijacked.Frontend, until: time.Now().Add(l.lifetime)}
	if l.lifetime > 0 {
		s.expiry = time.AfterFunc(l.lifetime, func() { l.expire(s) })
	}
	return s, nil
}

// session is one connection, on which the simple query protocol is spoken: it leaves no
// prepared statement behind, which not every proxy in between could stand.
type session struct {
	conn     net.Conn
	frontend *pgproto3.Frontend
	until    time.Time
	expiry   *time.Timer // nil: it is not kept
}

// ask returns the row of a query. After an error the session is of no use any more.
func (s *session) ask(ctx context.Context, query string) ([][]byte, error) {
	interrupt := context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) })
	row, err := s.exchange(query)
	if !interrupt() { // the deadline has been set, or is about to be
		return nil, context.Cause(ctx)
	}
	return row, err
}

func (s *session) exchange(query string) (row [][]byte, err error) {
	s.frontend.Send(&pgproto3.Query{String: query})
	if err := s.frontend.Flush(); err != nil {
		return nil, err
	}
	for {
		message, err := s.frontend.Receive()
		if err != nil {
			return nil, err
		}
		switch m := message.(type) {
		case *pgproto3.DataRow:
			for _, value := range m.Values {
				row = append(row, append([]byte(nil), value...)) // it is valid until the next message
			}
		case *pgproto3.ErrorResponse:
			return nil, pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			if len(row) == 0 {
				return nil, fmt.Errorf("no answer to %q", query)
			}
			return row, nil
		}
	}
}

// close says goodbye, for which a connection that takes no more has a second.
func (s *session) close() {
	_ = s.conn.SetDeadline(time.Now().Add(time.Second))
	s.frontend.Send(&pgproto3.Terminate{})
	_ = s.frontend.Flush()
	s.drop()
}

func (s *session) drop() {
	if s.expiry != nil {
		s.expiry.Stop()
	}
	_ = s.conn.Close()
}
