package droptest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// client is an HTTP/1.1 client that sends every request once. net/http's own
// Transport will not do: it silently sends a GET again when a kept connection
// turns out to be closed, which hides the very failure to be counted.
//
// Of the kept connections it takes the least recently used one, as proxies'
// pools tend to: each stays warm, so a server never sees one fall silent.
type client struct {
	dial func(context.Context) (*wire, error)

	mu   sync.Mutex
	idle []*link // least recently used first
}

// link is a wire with the reader that parses what comes from it.
type link struct {
	*wire
	buf    *bufio.Reader
	reused bool
}

// reply is a response that has arrived as a whole.
type reply struct {
	status int
	header http.Header
	body   []byte
	local  string // the near end of the connection it came by
}

// exchange sends req once and reads the whole response. With req.Close it
// brings its own connection. The drop is nil or says what went wrong.
func (c *client) exchange(ctx context.Context, req *http.Request) (reply, *drop) {
	l, err := c.take(ctx, req.Close)
	if err != nil {
		return reply{}, newDrop(ctx, nil, err)
	}
	stop := context.AfterFunc(ctx, l.abort)
	answer, keep, err := l.roundTrip(req)
	if !stop() || err != nil || !keep {
		defer l.hangUp()
	} else {
		defer c.keep(l)
	}
	if err != nil {
		return reply{}, newDrop(ctx, l, err)
	}
	return answer, nil
}

// take finds a connection: a kept one whose end has not arrived, or a new one.
func (c *client) take(ctx context.Context, fresh bool) (*link, error) {
	for !fresh {
		l := c.oldest()
		if l == nil {
			break
		}
		if !l.dead() {
			l.reused = true
			return l, nil
		}
		l.hangUp()
	}
	w, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &link{wire: w, buf: bufio.NewReader(w)}, nil
}

func (c *client) oldest() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	l := c.idle[0]
	c.idle = c.idle[1:]
	return l
}

func (c *client) keep(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, l)
}

// roundTrip reports with keep whether the connection can be used again.
func (l *link) roundTrip(req *http.Request) (answer reply, keep bool, err error) {
	if err := req.Write(l.wire); err != nil {
		return reply{}, false, err
	}
	if _, err := l.buf.Peek(1); err != nil {
		return reply{}, false, err // nothing has come; from here on it would be a part
	}
	resp, err := l.response(req)
	if err != nil {
		return reply{}, false, l.incomplete(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
		return reply{}, false, errUnframed
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, false, l.incomplete(err)
	}
	answer = reply{status: resp.StatusCode, header: resp.Header, body: body, local: l.local()}
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
	if l.head != nil && l.head.end != nil {
		return fmt.Errorf("%w: %w", errCut, l.head.end)
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}

func (l *link) local() string { return l.conn.LocalAddr().String() }
