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
func (s *steps) progress(ctx context.Context, b *backfill.Backfill) {
	if !terminal(s.out) {
		return
	}
	if f, err := b.Status(ctx); err == nil {
		const width = 30
		done := int(f.Share() * width)
		fmt.Fprintf(s.out, "\r%6.1f s    [%s%s] %3.0f %%  %.0f rows/s  %s left %s\x1b[K", time.Since(s.began).Seconds(),
			strings.Repeat("=", done), strings.Repeat(" ", width-done), f.Share()*100, f.RowsPerSecond, f.Left.Round(100*time.Millisecond), f.Waiting)
	}
}

func (s *steps) say(format string, args ...any) {
	if terminal(s.out) {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
	fmt.Fprintf(s.out, "%6.1f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

func terminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
