package pgxdbcompat

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Schema has the connections of a process forget what they have prepared when the schema
// has changed. The zero value is ready; one will do for all pools of a database. Its
// methods may be called from any goroutine. It must not be copied.
type Schema struct {
	epoch atomic.Uint64
	conns sync.Map // *pgx.Conn: the epoch in which it has last forgotten
}

// Changed is called after DDL, by whoever hears of it. It asks nobody: the connections
// are dealt with when they are taken from their pool.
func (s *Schema) Changed() { s.epoch.Add(1) }

// Noticed calls Changed if err says that a prepared statement does not fit the schema any
// more, and reports whether it does. The statement has then done nothing; it can be run
// again, in another transaction if it was in one. Do and InTx call it.
func (s *Schema) Noticed(err error) bool {
	if !stale(err) {
		return false
	}
	s.Changed()
	return true
}

// stale asks for the place in PostgreSQL's source that has said it: the message is
// translated, and 0A000 and 08P01 mean much else.
func stale(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	return pgErr.Code == "0A000" && pgErr.Routine == "RevalidateCachedQuery" || // the prepared statement
		pgErr.Code == "08P01" && pgErr.Routine == "PortalSetResultFormat" // its description, in QueryExecModeCacheDescribe
}

// Watch has a pool that is made with this configuration deal with its connections. What
// BeforeAcquire, AfterConnect and BeforeClose were is called as well. Statements that
// AfterConnect has prepared by name are forgotten too; have it called again by
// BeforeAcquire if there are such.
func (s *Schema) Watch(config *pgxpool.Config) {
	beforeAcquire, afterConnect, beforeClose := config.BeforeAcquire, config.AfterConnect, config.BeforeClose
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		s.conns.Store(conn, s.epoch.Load())
		if afterConnect == nil {
			return nil
		}
		err := afterConnect(ctx, conn)
		if err != nil { // the pool closes it, without BeforeClose
			s.conns.Delete(conn)
		}
		return err
	}
	config.BeforeAcquire = func(ctx context.Context, conn *pgx.Conn) bool {
		return s.renew(ctx, conn) == nil && (beforeAcquire == nil || beforeAcquire(ctx, conn))
	}
	config.BeforeClose = func(conn *pgx.Conn) {
		s.conns.Delete(conn)
		if beforeClose != nil {
			beforeClose(conn)
		}
	}
}

// renew costs a round trip after a change, and a look into a map otherwise.
func (s *Schema) renew(ctx context.Context, conn *pgx.Conn) error {
	now := s.epoch.Load()
	if was, _ := s.conns.Load(conn); was == now {
		return nil
	}
	if err := conn.DeallocateAll(ctx); err != nil {
		return err
	}
	s.conns.Store(conn, now)
	return nil
}

// Do runs fn, and once more if its statement has met a change of the schema. fn takes a
// connection from a pool and is no part of a transaction: pool.QueryRow(…).Scan(…), or
// a Query whose rows it reads to their end.
func (s *Schema) Do(ctx context.Context, fn func(context.Context) error) error {
	err := fn(ctx)
	if s.Noticed(err) {
		err = fn(ctx)
	}
	return err
}
