// Package progress shows the commands' users how far something has come: on a terminal
// one line, drawn over itself, and anywhere else as little as a log needs.
package progress

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/handover-go/handover/dbcompat/backfill"
)

// Screen is where it is shown. Its methods are not for several goroutines at once.
type Screen struct {
	Out  io.Writer
	Live bool          // it is a terminal
	Pace time.Duration // of a live line; 250 ms by default

	last string
}

// On is the screen of an output.
func On(out io.Writer) *Screen { return &Screen{Out: out, Live: terminal(out)} }

func terminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Show draws a line over the last one. Where nothing can be drawn over, it is written
// once, and again when it is another one.
func (s *Screen) Show(line string) {
	switch {
	case s.Live: // one that is too long for the terminal is cut, and not broken into two
		fmt.Fprint(s.Out, "\r\x1b[K\x1b[?7l"+line+"\x1b[?7h")
	case line != s.last:
		fmt.Fprintln(s.Out, line)
	}
	s.last = line
}

// Clear takes the line away.
func (s *Screen) Clear() {
	if s.Live && s.last != "" {
		fmt.Fprint(s.Out, "\r\x1b[K")
	}
	s.last = ""
}

// While does something, and on a terminal shows meanwhile what line returns, unless that
// is empty. It returns when both are done.
func (s *Screen) While(line func() string, do func() error) error {
	if !s.Live {
		return do()
	}
	ended := make(chan struct{})
	var bar sync.WaitGroup
	bar.Go(func() {
		tick := time.NewTicker(cmp.Or(s.Pace, 250*time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-ended:
				s.Clear()
				return
			case <-tick.C:
				if text := line(); text != "" {
					s.Show(text)
				}
			}
		}
	})
	err := do()
	close(ended)
	bar.Wait()
	return err
}

// Line is how far a back-fill has come.
func Line(s backfill.Status) string {
	const width = 30
	full := int(s.Share() * width)
	text := fmt.Sprintf("[%s%s] %5.1f %%  %s  %d of %d rows, %d changed", strings.Repeat("#", full), strings.Repeat(".", width-full),
		100*s.Share(), s.State, s.Rows, s.Total, s.Changed)
	if s.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", s.Skipped)
	}
	if s.RowsPerSecond > 0 {
		text += fmt.Sprintf("  %.0f/s", s.RowsPerSecond)
	}
	if s.Left > 0 {
		text += fmt.Sprintf("  %s left", s.Left)
	}
	if s.Waiting != "" {
		text += "  waits for " + s.Waiting
	}
	return text
}
