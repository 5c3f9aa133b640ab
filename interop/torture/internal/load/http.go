package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/app"
)

// exchange sends one request and reads the right answer, or says why not.
func (p *pool) exchange(ctx context.Context, kind string) error {
	l, err := p.take(ctx, rand.Float64() < fresh)
	if err != nil {
		return err
	}
	req, want, err := p.newRequest(ctx, kind)
	if err != nil {
		return err
	}
	resp, err := p.roundTrip(l, req)
	if err != nil {
		p.done(l, false)
		return err
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it has been read
	p.done(l, err == nil && !resp.Close)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d", resp.StatusCode)
	case string(got) != want:
		return fmt.Errorf("another answer: %.40q", got)
	}
	return nil
}

// newRequest returns a request and what has to come back. A body can be sent
// only once: there is no GetBody.
func (p *pool) newRequest(ctx context.Context, kind string) (*http.Request, string, error) {
	id := fmt.Sprint(rand.Uint64())
	method, path, want := http.MethodGet, "/?id="+id, id
	var body io.Reader
	switch kind {
	case "slow":
		path = "/slow?id=" + id
	case "POST":
		method, path, body = http.MethodPost, "/", io.MultiReader(strings.NewReader(id))
	case "upload":
		data := bytes.Repeat([]byte(id), 8<<10)
		method, path, body = http.MethodPost, "/upload", &slowly{data: data}
		want = fmt.Sprintf("%d %08x", len(data), crc32.ChecksumIEEE(data))
	}
	req, err := http.NewRequestWithContext(ctx, method, p.scheme()+"://torture"+path, body)
	if err == nil && !p.keep {
		req.Close = true
	}
	return req, want, err
}

// slowly gives a tenth of an upload every 50 ms.
type slowly struct {
	data []byte
	step int
	rest []byte
}

func (s *slowly) Read(b []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.step == 10 {
			return 0, io.EOF
		}
		if s.step > 0 {
			time.Sleep(50 * time.Millisecond)
		}
		s.rest = s.data[len(s.data)*s.step/10 : len(s.data)*(s.step+1)/10]
		s.step++
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// events is a stream of server-sent events.
func (l *load) events(ctx context.Context, protocol string, p *pool) bool {
	l.Tally.Request(protocol)
	link, resp, err := p.subscribe(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil: // the load is over
		return false
	case isUnsent(err):
		l.Tally.Unsent(protocol)
		return true
	default:
		l.Tally.Lost(protocol, cause(err))
		return false
	}
	defer p.done(link, false)
	defer func() { _ = resp.Body.Close() }() // its end has been read, or nobody wants it

	sequence := numbered{load: l, protocol: protocol}
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadString('\n')
		message, isData := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "data: ")
		switch {
		case err != nil:
			sequence.end(ctx, err)
			return true
		case isData && !sequence.next(message):
			return true
		}
	}
}

func (p *pool) subscribe(ctx context.Context) (*link, *http.Response, error) {
	l, err := p.take(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.scheme()+"://torture/events", nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := p.roundTrip(l, req)
	if err != nil {
		p.done(l, false)
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // nobody wants it
		p.done(l, false)
		return nil, nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return l, resp, nil
}

// numbered is a sequence of messages that may neither have a gap nor end without
// a goodbye.
type numbered struct {
	*load
	protocol string
	count    int
	over     bool
}

// next reports whether the stream is still whole.
func (n *numbered) next(message string) bool {
	switch {
	case n.over:
		n.Tally.Cut(n.protocol, "a message after the last")
		return false
	case message == app.Bye:
		n.over = true
	case message != fmt.Sprint(n.count):
		n.Tally.Cut(n.protocol, fmt.Sprintf("a gap: message %d is %q", n.count, message))
		return false
	default:
		n.count++
	}
	n.Tally.Message(n.protocol)
	return true
}

// end is called with what came instead of a message.
func (n *numbered) end(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil: // the load is over
	case n.over && errors.Is(err, io.EOF):
	case n.over:
		n.Tally.Cut(n.protocol, "after the goodbye: "+cause(err))
	default:
		n.Tally.Cut(n.protocol, cause(err))
	}
}
