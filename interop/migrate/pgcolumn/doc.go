// Package pgcolumn renames users.name to display_name while the program goes on: with
// LaunchDarkly's migrator (before.go), and with dbcompat and the same flag (after.go).
package pgcolumn

// flag is the migration flag that says the stage.
const flag = "users-display-name"
