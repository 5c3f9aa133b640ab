package pgprobes

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// standby remembers when it was up to date. Without that the first transaction after a
// quiet hour is an hour's lag, until it has been replayed.
type standby struct {
	mu      sync.Mutex
	current time.Time // when it was last seen to have replayed everything; zero: never
}

// behind is the most by which it can be.
func (s *standby) behind(now time.Time, state state) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state.caughtUp:
		s.current = now
		return 0
	case s.current.IsZero():
		return state.replayed
	}
	return min(state.replayed, now.Sub(s.current))
}

func (w *watch) lag(state state) error {
	if w.config.MaxLag <= 0 {
		return nil
	}
	behind := w.standby.behind(time.Now(), state)
	switch {
	case behind <= w.config.MaxLag:
		return nil
	case behind >= longest:
		return errors.New("it has replayed nothing since it was started: how far it is behind is not known")
	}
	return fmt.Errorf("it is up to %v behind, of at most %v", behind.Round(time.Millisecond), w.config.MaxLag)
}
