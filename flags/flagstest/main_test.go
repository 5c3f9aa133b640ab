package flagstest_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/flagstest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errGone = errors.New("connection refused")

// memory is a store as it should be.
type memory struct {
	mu       sync.Mutex
	doc      flags.Document
	gone     bool
	stalled  bool
	moved    chan struct{} // closed and renewed with each change
	counting bool
}

func newMemory() *memory { return &memory{moved: make(chan struct{})} }

func (m *memory) change(f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	close(m.moved)
	m.moved = make(chan struct{})
	return nil
}

func (m *memory) set(json []byte) error {
	return m.change(func() {
		m.doc.JSON = json
		if m.counting {
			m.doc.Revision++
		}
	})
}

func (m *memory) Load(ctx context.Context) (flags.Document, error) {
	m.mu.Lock()
	doc, gone, stalled := m.doc, m.gone, m.stalled
	m.mu.Unlock()
	if stalled {
		<-ctx.Done()
		return flags.Document{}, ctx.Err()
	}
	if gone {
		return flags.Document{}, errGone
	}
	return doc, nil
}

func (m *memory) Watch(ctx context.Context, changed func()) error {
	for ctx.Err() == nil {
		m.mu.Lock()
		moved := m.moved
		m.mu.Unlock()
		changed()
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
	return nil
}

// store is all that can be done to it, with a source in front that may be wrong.
func (m *memory) store(source flags.Source) flagstest.Store {
	return flagstest.Store{
		Source: source,
		Set:    m.set,
		Break:  func() error { return m.change(func() { m.gone = true }) },
		Stall:  func() error { return m.change(func() { m.stalled = true }) },
		Repair: func() error { return m.change(func() { m.gone, m.stalled = false, false }) },
	}
}
