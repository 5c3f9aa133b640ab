package pgcolumn

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldmigration"
	ldclient "github.com/launchdarkly/go-server-sdk/v7"
)

// A User has a new name.
type User struct {
	ID   int64
	Name string
}

// NewMigrator returns LaunchDarkly's migrator between the two columns.
func NewMigrator(client *ldclient.LDClient, pool *pgxpool.Pool) (ldclient.Migrator, error) {
	write := func(column string) ldclient.MigrationImplFn {
		return func(user any) (any, error) {
			u := user.(User)
			return pool.Exec(context.Background(), "UPDATE users SET "+column+" = $2 WHERE id = $1", u.ID, u.Name)
		}
	}
	read := func(column string) ldclient.MigrationImplFn {
		return func(id any) (name any, err error) {
			err = pool.QueryRow(context.Background(), "SELECT "+column+" FROM users WHERE id = $1", id).Scan(&name)
			return name, err
		}
	}
	same := ldclient.MigrationComparisonFn(func(a, b any) bool { return a == b })
	return ldclient.Migration(client).
		Read(read("name"), read("display_name"), &same).
		Write(write("name"), write("display_name")).
		Build()
}

// Save writes by way of the migrator.
func Save(m ldclient.Migrator, u User) error {
	written := m.Write(flag, ldcontext.New("api"), ldmigration.Off, u)
	return written.GetAuthoritativeResult().GetError()
}

// Read reads by way of the migrator; nil is no name.
func Read(m ldclient.Migrator, id int64) (name any, err error) {
	read := m.Read(flag, ldcontext.New("api"), ldmigration.Off, id)
	return read.GetResult(), read.GetError()
}
