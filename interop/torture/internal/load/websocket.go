package load

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// pause is between an answer and the next message.
const pause = 20 * time.Millisecond

// webSocket sends messages, one after the other, and waits for each to come back.
func (l *load) webSocket(ctx context.Context, protocol string) bool {
	ctx, over := context.WithCancel(ctx)
	defer over()
	transport := &http.Transport{
		TLSClientConfig: l.http1.transport.TLSClientConfig,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return l.Dial(ctx, HTTP1)
		},
	}
	defer transport.CloseIdleConnections()
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	l.Tally.Request(protocol)
	//nolint:bodyclose // Dial says that its response needs no closing
	conn, _, err := websocket.Dial(timed, l.http1.scheme()+"://torture/ws", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		if ctx.Err() == nil {
			l.Tally.Lost(protocol, cause(err))
		}
		return false
	}
	defer func() { _ = conn.CloseNow() }() // it has ended, or the load has

	answers, end := make(chan string), make(chan error, 1)
	read := func() {
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				end <- err
				return
			}
			select {
			case answers <- string(data):
			case <-ctx.Done():
				return
			}
		}
	}
	go read()
	return l.converse(ctx, conversation{
		protocol: protocol, answers: answers, end: end,
		send:   func(message string) error { return conn.Write(ctx, websocket.MessageText, []byte(message)) },
		proper: func(err error) bool { return websocket.CloseStatus(err) == websocket.StatusGoingAway },
	})
}

// conversation is a message there and a message back, again and again.
type conversation struct {
	protocol string
	send     func(string) error
	answers  <-chan string
	end      <-chan error     // what came instead of an answer, once
	proper   func(error) bool // whether that is how it should end
	lazy     bool             // it begins with the first answer
}

// converse reports whether anything came back.
func (l *load) converse(ctx context.Context, c conversation) bool {
	for n := 0; ; n++ {
		if !l.exchange(ctx, c, n) {
			return n > 0
		}
		select {
		case err := <-c.end:
			if ctx.Err() == nil && !c.proper(err) {
				l.Tally.Cut(c.protocol, cause(err))
			}
			return true
		case <-ctx.Done():
			return true
		case <-time.After(pause):
		}
	}
}

// exchange is one message and its answer. It reports whether there may be another.
func (l *load) exchange(ctx context.Context, c conversation, n int) bool {
	message := fmt.Sprint(n)
	sendErr := c.send(message) // the reader knows why it failed
	select {
	case answer := <-c.answers:
		if answer != message {
			l.Tally.Cut(c.protocol, fmt.Sprintf("another answer: %.40q", answer))
			return false
		}
		l.Tally.Message(c.protocol)
		return true
	case err := <-c.end:
		switch {
		case ctx.Err() != nil: // the load is over
		case c.proper(err):
			l.Tally.Unsent(c.protocol) // it has crossed the end
		case c.lazy && n == 0:
			l.Tally.Lost(c.protocol, cause(err))
		default:
			l.Tally.Cut(c.protocol, cause(err))
		}
	case <-ctx.Done():
	case <-time.After(limit):
		l.Tally.Cut(c.protocol, fmt.Sprintf("no answer (sent: %v)", sendErr))
	}
	return false
}
