package flagstest

import (
	"log/slog"
	"testing"

	"github.com/handover-go/handover/flags"
)

// Client returns a client of these definitions, started; there is nothing to stop. The
// environment kills nothing in it, and its log is the test's output.
//
// The test ends here if the definitions have a mistake, if a flag is declared wrongly, or
// if the definitions mean another type by its key. A flag that they do not have is no
// mistake: it is at its default.
func Client(t testing.TB, definitions string, handles ...flags.Handle) *flags.Client {
	t.Helper()
	c := flags.New(flags.Static(definitions), flags.Config{
		KillVariable: "=", // no environment has it
		Logger:       slog.New(slog.NewTextHandler(t.Output(), nil)),
	}, handles...)
	if err := c.Start(t.Context()); err != nil {
		t.Fatalf("flagstest: %v", err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Fatalf("flagstest: %v", err)
	}
	for _, f := range c.Report().Flags {
		if f.Problem == flags.CodeTypeMismatch {
			t.Fatalf("flagstest: flag %q: the definitions have another type than the %s that is declared", f.Key, f.Type)
		}
	}
	return c
}
