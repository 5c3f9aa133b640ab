package screen

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Screen is who watches. Lines are written whole, by whoever has one: its methods may be
// called at the same time.
type Screen struct {
	mu    sync.Mutex
	out   io.Writer
	human bool
	ends  time.Time
	after time.Duration // what is still to come then
}

// New writes to out. For a human it says how long there is to wait.
func New(out io.Writer, human bool) *Screen { return &Screen{out: out, human: human} }

// IsTerminal is right but for /dev/null, where it does not matter.
func IsTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Write writes an event, which is a line or several.
func (s *Screen) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(line)
}

// Expect says how long the next strategy takes, and those after it.
func (s *Screen) Expect(next, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends, s.after = time.Now().Add(next), after
}

// Status writes how it goes, as a line.
func (s *Screen) Status(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.human {
		line += "; " + about(max(0, time.Until(s.ends))+s.after)
	}
	fmt.Fprintln(s.out, line)
}

// about is an estimate, as exact as it is.
func about(left time.Duration) string {
	step := time.Second
	if left > 20*time.Second {
		step = 5 * time.Second
	}
	if left < time.Second {
		return "nearly done"
	}
	return fmt.Sprintf("about %.0f s left", left.Round(step).Seconds())
}
