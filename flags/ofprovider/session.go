package ofprovider

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/handover-go/handover/flags"
)

// patience is how long Init waits if its caller says nothing: twice as long as a client
// takes to start, unless it is told otherwise. Without a limit, a program whose store is
// down would not come up (Unleash/unleash-go-sdk#203).
const patience = 10 * time.Second

// session is what goes on between an Init and a Shutdown: one goroutine follows the
// client, another tells the SDK.
type session struct {
	outbox outbox
	ready  chan struct{} // closed when there is a set
	ended  chan struct{} // closed when both have returned
	cancel context.CancelFunc
	closed bool // Shutdown was called; the provider's mu guards it
}

// InitWithContext waits until the client has a set, from whatever origin: until ctx
// ends, or for 10 s if it has no deadline. It does not start the client. If it fails, the
// provider goes on waiting, and becomes READY when there is a set. A second Init, for
// another domain, joins the first.
func (p *Provider) InitWithContext(ctx context.Context, _ openfeature.EvaluationContext) error {
	if p.client == nil {
		return &openfeature.ProviderInitError{ErrorCode: openfeature.ProviderFatalCode, Message: noClient}
	}
	s := p.begin()
	err := s.wait(ctx, p.client)
	s.outbox.initEnds(err)
	return err
}

// Init is InitWithContext without a context.
func (p *Provider) Init(about openfeature.EvaluationContext) error {
	return p.InitWithContext(context.Background(), about)
}

// ShutdownWithContext stops following the client, ends an Init that waits, and returns
// when nothing of the provider runs any more. It does not stop the client, so that flags
// can still be evaluated. A Shutdown before Init, or a second one, does nothing; an Init
// after it begins anew.
func (p *Provider) ShutdownWithContext(ctx context.Context) error {
	p.mu.Lock()
	s := p.session
	if s == nil {
		p.mu.Unlock()
		return nil
	}
	s.closed = true
	p.mu.Unlock()
	s.cancel()
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ofprovider: shutdown: %w", ctx.Err())
	}
}

// Shutdown is ShutdownWithContext without a context.
func (p *Provider) Shutdown() { _ = p.ShutdownWithContext(context.Background()) }

// begin is the session that is going on, or a new one. It outlives the Init's context.
func (p *Provider) begin() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.session
	if before != nil && !before.closed {
		return before
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{outbox: newOutbox(), ready: make(chan struct{}), ended: make(chan struct{}), cancel: cancel}
	p.session = s
	go func() {
		defer close(s.ended)
		if before != nil {
			<-before.ended // its last word would be taken for ours
		}
		var following sync.WaitGroup
		following.Go(func() { _ = p.client.Follow(ctx, s.told()) })
		s.outbox.deliver(ctx, p.events)
		following.Wait()
	}()
	return s
}

// told is what Follow calls.
func (s *session) told() func(flags.Change) {
	var once sync.Once
	return func(c flags.Change) {
		s.outbox.put(c)
		if c.Status != flags.NotReady {
			once.Do(func() { close(s.ready) })
		}
	}
}

// wait returns nil when there is a set, or says why there is none.
func (s *session) wait(ctx context.Context, client *flags.Client) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	select {
	case <-s.ready:
		return nil
	case <-s.ended:
		return fmt.Errorf("ofprovider: init: %w: shut down meanwhile", context.Canceled)
	case <-ctx.Done():
	}
	if err := client.Check(ctx); err != nil {
		return fmt.Errorf("ofprovider: init: %w: %w", ctx.Err(), err)
	}
	return nil // it has come just now
}
