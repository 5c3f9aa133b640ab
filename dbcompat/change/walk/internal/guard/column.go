package guard

import (
	"context"
	"fmt"

	"github.com/handover-go/handover/dbcompat"
)

// A Column is one that should be there.
type Column struct {
	Name      string
	There     bool
	NotNull   bool
	Default   bool // or an identity
	Generated bool // nobody can write it
}

// Columns looks for those of a table, which is quoted. If there is no table there are
// none.
func Columns(ctx context.Context, db Querier, table string, names ...string) ([]Column, error) {
	return collect[Column](ctx, db, `SELECT name, attname IS NOT NULL, coalesce(attnotnull, false),
			coalesce(atthasdef AND attgenerated = '' OR attidentity <> '', false), coalesce(attgenerated <> '' OR attidentity = 'a', false)
		FROM unnest($2::text[]) WITH ORDINALITY AS n (name, i)
		LEFT JOIN pg_attribute ON attrelid = to_regclass($1::text) AND attname = name AND attnum > 0 AND NOT attisdropped
		ORDER BY i`, table, names)
}

// Insertable are what keeps an INSERT that does not know of the columns from being done.
func Insertable(ctx context.Context, db Querier, table string, names ...string) ([]Lack, error) {
	all, err := Columns(ctx, db, table, names...)
	var lacks []Lack
	for _, c := range all {
		who := "column " + c.Name
		switch {
		case !c.There:
			lacks = append(lacks, Lack{who, "is not there", "add it to " + table + ", or correct the name"})
		case c.NotNull && !c.Default:
			lacks = append(lacks, Lack{
				who, "is NOT NULL and has no default, so that a program which does not write it can insert no row",
				fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL", table, dbcompat.Quote(c.Name)),
			})
		}
	}
	return lacks, err
}

// Writable are what keeps a program from writing columns.
func Writable(ctx context.Context, db Querier, table string, names ...string) ([]Lack, error) {
	all, err := Columns(ctx, db, table, names...)
	var lacks []Lack
	for _, c := range all {
		if c.Generated {
			lacks = append(lacks, Lack{"column " + c.Name, "is generated, so that nobody can write it", "make it a plain one"})
		}
	}
	return lacks, err
}
