package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// CopyTwin gives the new column what the old one has: default, indexes, UNIQUE, CHECK and
// foreign keys, comment. Its time is after the back-fill. Each copy is called as the
// original, with Old exchanged for New, or with New appended. PostgreSQL itself writes
// what they say, so order, operator classes, INCLUDE, WHERE and expressions are kept.
//
// It is refused, with the list, if there is something that cannot be copied: a primary
// key, identity, a sequence, a generated value, an exclusion or deferrable constraint, a
// foreign key of another table, rights on the column. NOT NULL is not copied, as it would
// end the way back to writers who do not know the column: see SetNotNull.
type CopyTwin struct {
	Table, Old, New string

	// Leave are names that are left as they are, of what is not wanted or cannot be
	// copied, as the error has them.
	Leave []string
}

// String is as in "copy twin users.name to display_name".
func (o CopyTwin) String() string { return fmt.Sprintf("copy twin %s.%s to %s", o.Table, o.Old, o.New) }
func (o CopyTwin) in() string     { return o.Table }
func (o CopyTwin) needs(t *table) { t.has(o.Old, o.New) }

func (o CopyTwin) steps(int, relation) []Step { return nil } // those of its copies

func (o CopyTwin) check() (m mistakes) {
	m.table("Table", o.Table)
	m.name("Old", o.Old)
	m.name("New", o.New)
	if o.Old == o.New {
		m.wrong("Old and New are both %q: a column is replaced by another one", o.Old)
	}
	return m
}

// original is what the old column has.
type original struct {
	Kind       string // d default, i index, u unique, c check, f foreign key, m comment; x what cannot be copied
	Name       string
	Unique     bool
	Definition string // what follows the table's name, the expression, or the text
}

// copies are the operations for it. The old column's definitions are given to a table
// that is nowhere but in a transaction which is rolled back; there the column is renamed,
// and PostgreSQL asked what they are now: no SQL is taken apart here.
func (o CopyTwin) copies(ctx context.Context, conn *pgx.Conn, r relation) ([]Operation, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	all, err := o.renamed(ctx, tx, r)
	if rollback := tx.Rollback(ctx); err == nil {
		err = rollback
	}
	if err != nil {
		return nil, err
	}
	var ops []Operation
	for _, is := range all {
		ops = append(ops, o.operation(is, r))
	}
	return ops, nil
}

func (o CopyTwin) operation(is original, r relation) Operation {
	name := o.called(is.Name)
	switch is.Kind {
	case "d":
		return SetDefault{Table: o.Table, Column: o.New, Default: is.Definition}
	case "i":
		return CreateIndex{Table: o.Table, Name: name, Definition: is.Definition, Unique: is.Unique}
	case "u":
		return Unique{Table: o.Table, Name: name, Definition: is.Definition}
	case "c":
		return Check{Table: o.Table, Name: name, Expression: is.Definition}
	case "f":
		return copiedKey{ForeignKey{Table: o.Table, Name: name}, is.Definition}
	default:
		return comment{o.Table, o.New, is.Definition}
	}
}

// called is the copy's name.
func (o CopyTwin) called(name string) string {
	if strings.Contains(name, o.Old) {
		return named(strings.ReplaceAll(name, o.Old, o.New))
	}
	return named(name, o.New)
}

func (o CopyTwin) renamed(ctx context.Context, tx pgx.Tx, r relation) ([]original, error) {
	do := func(sql string) error { _, err := tx.Exec(ctx, sql, once); return err }
	if err := errors.Join(do("SET LOCAL search_path = pg_catalog"), do("SET LOCAL lock_timeout = '2s'")); err != nil {
		return nil, err
	}
	all, err := o.originals(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	const scratch = "pg_temp.handover_twin"
	old, twin := dbcompat.Quote(o.Old), dbcompat.Quote(o.New)
	sql := []string{"CREATE TEMPORARY TABLE handover_twin (LIKE " + r.String() + ")", "ALTER TABLE " + scratch + " DROP COLUMN IF EXISTS " + twin}
	for i, is := range all {
		switch is.Kind {
		case "i", "u":
			sql = append(sql, fmt.Sprintf("CREATE INDEX handover_i%d ON %s %s", i, scratch, is.Definition))
		case "c":
			sql = append(sql, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT handover_c%d CHECK (%s)", scratch, i, is.Definition))
		}
	}
	for _, statement := range append(sql, "ALTER TABLE "+scratch+" RENAME COLUMN "+old+" TO "+twin) {
		if err := do(statement); err != nil {
			return nil, fmt.Errorf("find out what is to be copied: %w: %s", err, statement)
		}
	}
	return all, asked(ctx, tx, all)
}

// asked replaces definitions by what PostgreSQL makes of them.
func asked(ctx context.Context, tx pgx.Tx, all []original) error {
	const (
		index = `SELECT substr(d, position(' USING ' IN d) + 1) FROM pg_get_indexdef('pg_temp.handover_i%d'::regclass) AS d`
		check = `SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conrelid = 'pg_temp.handover_twin'::regclass AND conname = 'handover_c%d'`
	)
	questions := map[string]string{"i": index, "u": index, "c": check}
	for i, is := range all {
		question := questions[is.Kind]
		if question == "" {
			continue
		}
		if err := tx.QueryRow(ctx, fmt.Sprintf(question, i), once).Scan(&all[i].Definition); err != nil {
			return fmt.Errorf("find out what %s is to be: %w", is.Name, err)
		}
	}
	return nil
}

// originals asks what the old column has, and refuses what cannot be copied.
func (o CopyTwin) originals(ctx context.Context, tx pgx.Tx, r relation) ([]original, error) {
	rows, err := tx.Query(ctx, has, once, r.String(), o.Old, o.New)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[original])
	if err != nil {
		return nil, err
	}
	var cannot []string
	all = slices.DeleteFunc(all, func(is original) bool {
		if slices.Contains(o.Leave, is.Name) {
			return true
		}
		if is.Kind == "x" {
			cannot = append(cannot, fmt.Sprintf("%q: %s", is.Name, is.Definition))
		}
		return false
	})
	if len(cannot) > 0 {
		return nil, fmt.Errorf("not all of it can be copied: do what is to be done by hand, and name these in CopyTwin.Leave:\n\t%s", strings.Join(cannot, "\n\t"))
	}
	return all, nil
}
