package pgflags

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// listener is a connection that listens. It speaks the protocol itself, as pgconn ends
// a query that is late with a goroutine and another connection, for up to 15 s: this
// one ends with Watch.
type listener struct {
	conn      net.Conn
	frontend  *pgproto3.Frontend
	keepAlive time.Duration // 0: a read waits for as long as it takes
	heard     []string      // names of sets that came in between
}

func dial(ctx context.Context, config *pgconn.Config, keepAlive time.Duration) (*listener, error) {
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	hijacked, err := conn.Hijack()
	if err != nil {
		return nil, err // it never is: nobody else has the connection
	}
	return &listener{conn: hijacked.Conn, frontend: hijacked.Frontend, keepAlive: keepAlive}, nil
}

// interrupt ends whatever is sent or waited for.
func (l *listener) interrupt() { _ = l.conn.SetDeadline(time.Unix(1, 0)) }

// wait returns the name of the next set that has changed, os.ErrDeadlineExceeded if
// nothing was heard for a keep-alive, or "" for anything else that was.
func (l *listener) wait(ctx context.Context) (string, error) {
	if len(l.heard) == 0 {
		if _, err := l.receive(ctx); err != nil {
			return "", err
		}
	}
	if len(l.heard) == 0 {
		return "", nil
	}
	set := l.heard[0]
	l.heard = l.heard[1:]
	return set, nil
}

// ask returns the first column of what a query gives.
func (l *listener) ask(ctx context.Context, query string) (column []string, err error) {
	if err := l.limit(ctx); err != nil {
		return nil, err
	}
	l.frontend.Send(&pgproto3.Query{String: query})
	err = l.frontend.Flush()
	for err == nil {
		var message pgproto3.BackendMessage
		message, err = l.receive(ctx)
		switch m := message.(type) {
		case *pgproto3.DataRow:
			column = append(column, string(m.Values[0]))
		case *pgproto3.ReadyForQuery:
			return column, nil
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("no answer for %s: %w", l.keepAlive, err)
	}
	return nil, err
}

// receive returns the next message, which is valid until the one after it.
func (l *listener) receive(ctx context.Context) (pgproto3.BackendMessage, error) {
	if err := l.limit(ctx); err != nil {
		return nil, err
	}
	message, err := l.frontend.Receive()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	switch m := message.(type) {
	case *pgproto3.NotificationResponse:
		l.heard = append(l.heard, m.Payload)
	case *pgproto3.ErrorResponse:
		err = pgconn.ErrorResponseToPgError(m)
	}
	return message, err
}

// limit gives the connection a keep-alive's time. The order matters: what interrupt has
// done meanwhile is undone, but seen.
func (l *listener) limit(ctx context.Context) error {
	deadline := time.Time{}
	if l.keepAlive > 0 {
		deadline = time.Now().Add(l.keepAlive)
	}
	_ = l.conn.SetDeadline(deadline) // of a connection that is closed a read tells as well
	return ctx.Err()
}

// close says goodbye, for which a connection that takes no more has a second.
func (l *listener) close() {
	_ = l.conn.SetDeadline(time.Now().Add(time.Second))
	l.frontend.Send(&pgproto3.Terminate{})
	_ = l.frontend.Flush()
	_ = l.conn.Close()
}
