package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/ddl"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/internal/pgtest"
)

//go:embed schema.sql
var schema string

// database is a pool, and perhaps the server behind it.
type database struct {
	pool       *pgxpool.Pool
	statements *pgxdbcompat.Schema // has connections forget what they have prepared when DDL has run
	own        *pgtest.Server      // nil: it is somebody else's
}

// open dials nothing that is somebody else's: a database that is down makes the service
// unready, and does not end it. Without a URL it starts a server. That and one that is to
// be migrated are prepared.
func open(ctx context.Context, url string, migrate bool) (*database, error) {
	d := &database{statements: new(pgxdbcompat.Schema)}
	if url == "" {
		if migrate {
			return nil, errors.New("-migrate is for the database at DATABASE_URL, which is not set")
		}
		d.own = pgtest.New(pgtest.Config{})
		if err := d.own.Start(ctx); errors.Is(err, pgtest.ErrNotInstalled) {
			return nil, fmt.Errorf("%w; or set DATABASE_URL", pgtest.ErrNotInstalled)
		} else if err != nil {
			return nil, err
		}
		url = d.own.URL()
		slog.Info("a PostgreSQL of its own, as DATABASE_URL is not set", "url", url)
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	config.ConnConfig.ConnectTimeout = min(config.ConnConfig.ConnectTimeout, 2*time.Second)
	d.statements.Watch(config)
	if d.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if migrate || d.own != nil {
		if err := d.prepare(ctx); err != nil {
			d.pool.Close()
			return nil, errors.Join(fmt.Errorf("prepare the database: %w", err), d.close())
		}
	}
	return d, nil
}

// prepare may be done twice, and by several at once.
func (d *database) prepare(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('complete', 0)); "+schema, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return err
	}
	// The first step of the change. From here on a fleet can walk.
	if err := ddl.New(d.pool, ddl.Config{}).Run(ctx, ddl.AddColumn{Table: "users", Column: "display_name", Type: "text"}); err != nil {
		return err
	}
	w := walk.New(d.pool, changeName, walk.Config{})
	if err := w.Migrate(ctx); err != nil {
		return err
	}
	if err := w.Create(ctx, displayName().Columns(), walk.Options{Fence: true}); err != nil {
		return err
	}
	return d.prepareFlags(ctx)
}

// prepareFlags leaves a flag that is there as it is.
func (d *database) prepareFlags(ctx context.Context) error {
	if err := pgflags.New(d.pool, pgflags.Config{}).Migrate(ctx); err != nil {
		return err
	}
	_, err := d.pool.Exec(ctx, `INSERT INTO handover.flags (key, definition)
		SELECT key, value FROM jsonb_each($1::jsonb -> 'flags') ON CONFLICT DO NOTHING`, bootstrap)
	if err != nil {
		return err
	}
	_, err = d.pool.Exec(ctx, `UPDATE handover.flag_sets SET metadata = $1::jsonb -> 'metadata'
		WHERE set = 'default' AND metadata = '{}'`, bootstrap)
	return err
}

func (d *database) close() error {
	if d.own == nil {
		return nil
	}
	return d.own.Close()
}
