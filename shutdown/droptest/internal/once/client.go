package once

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/handover-go/handover/shutdown/droptest/internal/wire"
)

// Client is an HTTP/1.1 client that sends every request once.
//
// Of the kept connections it takes the least recently used one, as proxies'
// pools tend to: each stays warm, so a server never sees one fall silent.
type Client struct {
	dial func(context.Context) (*wire.Wire, error)

	mu   sync.Mutex
	idle []*link // least recently used first
}

// New returns a client that connects with dial. It does not end what it keeps:
// that is up to the one whose wires they are.
func New(dial func(context.Context) (*wire.Wire, error)) *Client { return &Client{dial: dial} }

// link is a wire with the reader that parses what comes from it.
type link struct {
	*wire.Wire
	buf    *bufio.Reader
	reused bool
}

// Reply is a response that has arrived as a whole.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	Local  string // the near end of the connection it came by
}

// Exchange sends req once and reads the whole response. With req.Close it
// brings its own connection. The Drop is nil or says what went wrong.
func (c *Client) Exchange(ctx context.Context, req *http.Request) (Reply, *Drop) {
	l, err := c.take(ctx, req.Close)
	if err != nil {
		return Reply{}, newDrop(ctx, nil, err)
	}
	stop := context.AfterFunc(ctx, l.Abort)
	answer, keep, err := l.roundTrip(req)
	if !stop() || err != nil || !keep {
		defer l.HangUp()
	} else {
		defer c.keep(l)
	}
	if err != nil {
		return Reply{}, newDrop(ctx, l, err)
	}
	return answer, nil
}

// take finds a connection: a kept one whose end has not arrived, or a new one.
func (c *Client) take(ctx context.Context, fresh bool) (*link, error) {
	for !fresh {
		l := c.oldest()
		if l == nil {
			break
		}
		if !l.Dead() {
			l.reused = true
			return l, nil
		}
		l.HangUp()
	}
	w, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &link{Wire: w, buf: bufio.NewReader(w)}, nil
}

func (c *Client) oldest() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	l := c.idle[0]
	c.idle = c.idle[1:]
	return l
}

func (c *Client) keep(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, l)
}

// roundTrip reports with keep whether the connection can be used again.
func (l *link) roundTrip(req *http.Request) (answer Reply, keep bool, err error) {
	if err := req.Write(l.Wire); err != nil {
		return Reply{}, false, err
	}
	if _, err := l.buf.Peek(1); err != nil {
		return Reply{}, false, err // nothing has come; from here on it would be a part
	}
	resp, err := l.response(req)
	if err != nil {
		return Reply{}, false, l.incomplete(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
		return Reply{}, false, errUnframed
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Reply{}, false, l.incomplete(err)
	}
	answer = Reply{Status: resp.StatusCode, Header: resp.Header, Body: body, Local: l.local()}
	return answer, !req.Close && !resp.Close && l.buf.Buffered() == 0, nil
}

// response reads the head of the final response, passing over informational ones.
func (l *link) response(req *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(l.buf, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return nil, errors.New("a switch of protocols that was not asked for")
		}
		if resp.StatusCode >= 200 {
			return resp, nil
		}
	}
}

// incomplete says why a response that had begun did not become whole: its end
// came too early, or it was not one.
func (l *link) incomplete(err error) error {
	if end := l.End(); end != nil {
		return fmt.Errorf("%w: %w", errCut, end)
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}

func (l *link) local() string { return l.LocalAddr().String() }
