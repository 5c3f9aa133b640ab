package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/handover-go/handover/dbcompat/backfill"
)

// progress draws a bar, if there is somebody to look at it.
func (w *walk) progress(ctx context.Context, b *backfill.Backfill) {
	if !terminal(w.out) {
		return
	}
	if s, err := b.Status(ctx); err == nil {
		const width = 30
		done := int(s.Share() * width)
		fmt.Fprintf(w.out, "\r%6.1f s    [%s%s] %3.0f %%  %.0f rows/s  %s left %s\x1b[K", time.Since(w.began).Seconds(),
			strings.Repeat("=", done), strings.Repeat(" ", width-done), s.Share()*100, s.RowsPerSecond, s.Left.Round(100*time.Millisecond), s.Waiting)
	}
}

func (w *walk) say(format string, args ...any) {
	if terminal(w.out) {
		fmt.Fprint(w.out, "\r\x1b[K")
	}
	fmt.Fprintf(w.out, "%6.1f s  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}

func terminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
