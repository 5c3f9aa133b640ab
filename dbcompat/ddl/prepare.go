package ddl

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// server is what matters of it.
type server struct {
	version  int
	readOnly bool
}

func ask(ctx context.Context, conn *pgx.Conn) (s server, err error) {
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int / 10000,
		pg_is_in_recovery() OR current_setting('transaction_read_only')::bool`, once).Scan(&s.version, &s.readOnly)
	if err == nil && s.version < oldest {
		err = fmt.Errorf("version %d of PostgreSQL: %d is the oldest that is known", s.version, oldest)
	}
	return s, err
}

// prepare finds all that is wrong before anything is touched, and returns the steps.
func (r *Runner) prepare(ctx context.Context, conn *pgx.Conn, writes bool, ops []Operation) ([]Step, error) {
	if err := check(ops); err != nil {
		return nil, err
	}
	server, err := ask(ctx, conn)
	if err != nil {
		return nil, err
	}
	if writes && server.readOnly {
		return nil, errors.New("the server is read-only: connect to the primary (target_session_attrs=read-write)")
	}
	tables, err := tablesOf(ctx, conn, ops)
	if err != nil {
		return nil, err
	}
	var steps []Step
	for _, op := range ops {
		all := []Operation{op}
		table := tables[op.in()].relation
		if twin, ok := op.(CopyTwin); ok {
			if all, err = twin.copies(ctx, conn, table); err != nil {
				return nil, fmt.Errorf("%s: %w", op, err)
			}
		}
		for _, op := range all {
			steps = append(steps, stepsOf(op, server.version, table)...)
		}
	}
	return steps, nil
}

func tablesOf(ctx context.Context, conn *pgx.Conn, ops []Operation) (map[string]*table, error) {
	tables, missing := map[string]*table{}, map[string]bool{} // by the name that was given
	var wrong []error
	for _, op := range ops {
		name := op.in()
		if missing[name] {
			continue
		}
		if tables[name] == nil {
			t, err := load(ctx, conn, name)
			if err != nil {
				missing[name] = true
				wrong = append(wrong, fmt.Errorf("%s: %w", op, err))
				continue
			}
			tables[name] = theSame(tables, t)
		}
		op.needs(tables[name])
		if err := tables[name].verify(ctx, conn); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		for _, m := range tables[name].mistakes {
			wrong = append(wrong, fmt.Errorf("%s: %w", op, m))
		}
		tables[name].mistakes, tables[name].types, tables[name].other = nil, nil, nil
	}
	return tables, errors.Join(wrong...)
}

// theSame is the table by another name that it had before: users is public.users, and has
// the columns that are added to that.
func theSame(tables map[string]*table, t *table) *table {
	for _, other := range tables {
		if other.relation == t.relation {
			return other
		}
	}
	return t
}
