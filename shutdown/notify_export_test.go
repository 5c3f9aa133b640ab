package shutdown

import (
	"context"
	"io"
	"os"
)

// NotifyOn is Notify on another operating system: what it delivers, and what it
// takes to die there.
func NotifyOn(
	parent context.Context, signals chan os.Signal, dieByInterrupt func(), exit func(int), stderr io.Writer,
) (ctx context.Context, stop func()) {
	return notify(parent, signals, death{dieByInterrupt, exit, stderr})
}
