package pgflags

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// channel has the names of sets that have changed as its payload. It is that of all
// schemas of a database: one too many is one Load in which nothing has changed.
const channel = "handover_flags"

// Watch calls changed when it has begun to listen, so that nothing is missed that came
// before, and then for each transaction that has changed the set, when it commits. It
// returns when ctx ends, with its error, or when the connection breaks or does not
// answer within two [Config.KeepAlive].
//
// The connection is one of its own and not the pool's, however small that is, though it
// is made as the pool makes its own, BeforeConnect included; but for AfterConnect and
// the Tracer. With Config.NoListen there is none, and Watch waits for ctx.
func (s *Store) Watch(ctx context.Context, changed func()) error {
	return s.failed(ctx, "watch set", s.config.Set, s.watch(ctx, changed))
}

func (s *Store) watch(ctx context.Context, changed func()) error {
	if s.wrong != nil {
		return s.wrong
	}
	if s.config.NoListen {
		<-ctx.Done()
		return ctx.Err()
	}
	l, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	defer context.AfterFunc(ctx, l.interrupt)()
	if _, err := l.ask(ctx, "LISTEN "+channel); err != nil {
		return refusal(err)
	}
	changed()
	for {
		set, err := l.wait(ctx)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = l.probe(ctx)
		}
		if err != nil {
			return err
		}
		if set == s.config.Set {
			changed()
		}
	}
}

func (s *Store) dial(ctx context.Context) (*listener, error) {
	config := s.pool.Config()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, fmt.Errorf("before connect: %w", err)
		}
	}
	return dial(ctx, &config.ConnConfig.Config, s.config.KeepAlive)
}

// probe asks the server whether it is there, and whether it listens to us still: a
// pooler may have put another session in the place of ours.
func (l *listener) probe(ctx context.Context) error {
	channels, err := l.ask(ctx, "SELECT pg_listening_channels()")
	if err == nil && !slices.Contains(channels, channel) {
		err = errors.New("the session is no longer the one that listens, as behind a pooler that gives them out by transaction: set Config.NoListen")
	}
	return err
}

func refusal(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "25006" {
		return fmt.Errorf("%w; a standby has no notifications: set Config.NoListen", err)
	}
	return err
}
