package droptest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// A wire, a client and a rotation as the tests use them: each is what a
// deployment uses, without the rest of it.

type Wire = wire

// NewWire returns a wire that runs until stop is called.
func NewWire(conn net.Conn, delay time.Duration) (w *Wire, stop func()) {
	w = newWire(conn, delay)
	var running sync.WaitGroup
	running.Go(w.run)
	return w, func() {
		w.abort()
		running.Wait()
	}
}

func (w *wire) HangUp() { w.hangUp() }

func (w *wire) Dead() bool { return w.dead() }

type Client struct {
	client client
	wires  wires
	Dials  int
}

func NewClient(address string, delay time.Duration) *Client {
	c := &Client{}
	c.client.dial = func(context.Context) (*wire, error) {
		c.Dials++
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return nil, err
		}
		return c.wires.add(conn, delay), nil
	}
	return c
}

// Send returns the status of the response, or the kind of the failure.
func (c *Client) Send(ctx context.Context, req *http.Request) (status int, kind string) {
	answer, d := c.client.exchange(ctx, req)
	if d != nil {
		return 0, d.kind()
	}
	return answer.status, ""
}

func (c *Client) Close() { c.wires.close() }

// AwaitDead returns when every kept connection has an end that has arrived.
func (c *Client) AwaitDead() {
	for _, l := range c.client.idle {
		_, _ = l.peek()
	}
}

type Rotation struct {
	balancer  *balancer
	endpoints map[string]*endpoint
}

func NewRotation(cfg Config, names ...string) *Rotation {
	r := &Rotation{balancer: newBalancer(cfg, &wires{}), endpoints: make(map[string]*endpoint)}
	for _, name := range names {
		r.endpoints[name] = &endpoint{process: &process{name: name}, joined: make(chan struct{})}
	}
	return r
}

func (r *Rotation) Healthy(name string)   { r.balancer.join(r.endpoints[name]) }
func (r *Rotation) Unhealthy(name string) { r.balancer.leave(r.endpoints[name], false) }
func (r *Rotation) Signal(name string)    { r.balancer.leave(r.endpoints[name], true) }

func (r *Rotation) Next() string {
	if e := r.balancer.next(); e != nil {
		return e.name
	}
	return "nobody"
}
