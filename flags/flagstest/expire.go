package flagstest

import (
	"cmp"
	"log/slog"
	"testing"
	"time"

	"github.com/handover-go/handover/flags"
)

// NoneExpired fails the test for each flag that is declared wrongly, and for each that
// should be gone by this day: About.Expires is that day or one before. A flag without
// Expires stays for as long as it likes.
//
// With time.Now() the test breaks on a day on which nobody has changed anything. That is
// its purpose, but not everybody's wish for each build: it may be a test of its own, for
// a job that runs every night.
func NoneExpired(t testing.TB, day time.Time, handles ...flags.Handle) {
	t.Helper()
	c := flags.New(flags.Static(nil), flags.Config{
		KillVariable: "=", // no environment has it
		Logger:       slog.New(slog.DiscardHandler),
	}, handles...)
	if err := c.Start(t.Context()); err != nil { // what is wrong with the flags; an empty set is no error
		t.Errorf("flagstest: %v", err)
	}
	for _, f := range c.Report().Flags {
		if _, err := time.Parse(time.DateOnly, f.About.Expires); err != nil {
			continue // none, or Start has said so
		}
		if f.About.Expires <= day.Format(time.DateOnly) {
			t.Errorf("flagstest: flag %q should be gone since %s: remove it, or move its day; ask %s",
				f.Key, f.About.Expires, cmp.Or(f.About.Owner, "who declared it, as it has no owner"))
		}
	}
}
