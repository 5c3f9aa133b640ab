package lint_test

import (
	"fmt"

	"github.com/handover-go/handover/dbcompat/lint"
)

func ExampleSQL() {
	findings, err := lint.SQL(`
SET lock_timeout = '2s';
ALTER TABLE IF EXISTS ONLY users
	ADD email text NOT NULL;
-- handover:allow drop-column nobody has read it since release 41
ALTER TABLE users DROP COLUMN nick;
`, lint.Config{Name: "0042_users.up.sql"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range findings {
		fmt.Printf("%s:%d: %s\n%s\n%s\n", f.File, f.Line, f.Rule, f.Problem, f.Plan)
	}
	// Output:
	// 0042_users.up.sql:4: add-column-not-null-no-default
	// users.email is added NOT NULL without a default: it fails if users has a row, and code that does not write it fails after
	// ALTER TABLE users ADD COLUMN email text;
	// -- back-fill, then
	// ALTER TABLE users ADD CONSTRAINT email_not_null CHECK (email IS NOT NULL) NOT VALID;
	// ALTER TABLE users VALIDATE CONSTRAINT email_not_null;
	// ALTER TABLE users ALTER COLUMN email SET NOT NULL;
	// ALTER TABLE users DROP CONSTRAINT email_not_null;
}
