package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// widely is how many HTTP/2 connections the plain requests are spread over.
const widely = 4

// pool keeps connections: the one that was used last is used next, as net/http
// does it. Unlike net/http it never sends a request twice.
type pool struct {
	port      Port
	secure    bool
	keep      bool
	transport *http.Transport

	mu   sync.Mutex
	idle []*link // HTTP/1: nobody uses them; HTTP/2: all
}

// link is one connection.
type link struct {
	*http.ClientConn
	written *atomic.Int64 // bytes
	sole    bool          // for one request
	used    bool          // HTTP/1: it has answered before
}

// counted counts what was written.
type counted struct {
	net.Conn
	written atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

type countedKey struct{}

func newPool(cfg Config, port Port) *pool {
	p := &pool{port: port, secure: cfg.TLS, keep: cfg.KeepAlive || port == HTTP2}
	p.transport = &http.Transport{
		Protocols:       new(http.Protocols),
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the certificate is made by the service itself
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := cfg.Dial(ctx, port)
			if err != nil {
				return nil, err
			}
			c := &counted{Conn: conn}
			if l, ok := ctx.Value(countedKey{}).(*link); ok {
				l.written = &c.written
			}
			return c, nil
		},
	}
	p.transport.Protocols.SetHTTP1(port == HTTP1)
	p.transport.Protocols.SetHTTP2(port == HTTP2)
	p.transport.Protocols.SetUnencryptedHTTP2(port == HTTP2)
	return p
}

func (p *pool) scheme() string {
	if p.secure {
		return "https"
	}
	return "http"
}

// take returns a link on which one request may be sent.
func (p *pool) take(ctx context.Context, sole bool) (*link, error) {
	sole = sole || !p.keep
	if !sole {
		if l := p.reuse(); l != nil {
			return l, nil
		}
	}
	l := &link{sole: sole}
	conn, err := p.transport.NewClientConn(context.WithValue(ctx, countedKey{}, l), p.scheme(), "torture:1")
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	l.ClientConn = conn
	if err := l.Reserve(); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("new connection: %w", err)
	}
	if p.port == HTTP2 && !sole {
		p.put(l)
	}
	return l, nil
}

func (p *pool) reuse() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.port == HTTP2 {
		return p.share()
	}
	for len(p.idle) > 0 {
		l := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if l.Reserve() == nil {
			return l
		}
		_ = l.Close()
	}
	return nil
}

// share picks one of several HTTP/2 connections; nil when there are too few.
func (p *pool) share() *link {
	usable := p.idle[:0]
	for _, l := range p.idle {
		if l.Available() > 0 {
			usable = append(usable, l)
		}
	}
	p.idle = usable // one that was told to go ends with its last stream
	if len(usable) < widely {
		return nil
	}
	for _, i := range rand.Perm(len(usable)) {
		if usable[i].Reserve() == nil {
			return usable[i]
		}
	}
	return nil
}

func (p *pool) put(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.used = true
	p.idle = append(p.idle, l)
}

// done takes the link back after a request.
func (p *pool) done(l *link, ok bool) {
	switch {
	case l.sole || !ok && p.port == HTTP1:
		_ = l.Close()
	case p.port == HTTP1:
		p.put(l)
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.idle {
		_ = l.Close()
	}
	p.transport.CloseIdleConnections()
}

// roundTrip sends on l. An error of which the client can tell that nothing was
// processed is errUnsent.
func (p *pool) roundTrip(l *link, req *http.Request) (*http.Response, error) {
	idle, before := p.port == HTTP1 && l.used, l.written.Load()
	resp, err := l.RoundTrip(req)
	switch {
	case err == nil:
		return resp, nil
	case idle && l.written.Load() == before, refusedStream(err):
		return nil, errors.Join(errUnsent, err)
	}
	return nil, err
}
