package droptest

import (
	"context"
	"net"
)

// serveLayer4 gives each new connection to the next endpoint. It knows nothing
// of requests, and it never takes a connection back.
func (b *balancer) serveLayer4(ctx context.Context, ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		b.work.Go(func() { b.connect(ctx, conn) })
	}
}

func (b *balancer) connect(ctx context.Context, conn net.Conn) {
	client := conn.RemoteAddr().String()
	near := b.wires.add(conn, 0)
	e := b.next()
	if e == nil {
		b.refuse(near, client, route{refused: causeOf(errNoEndpoint)})
		return
	}
	b.trace(client, route{process: e.name})
	far, err := b.dial(ctx, e)
	if err != nil {
		b.refuse(near, client, route{process: e.name, refused: causeOf(err)})
		return
	}
	b.work.Go(func() { near.forward(far) })
	far.forward(near)
}

// refuse resets the client's connection. A client of a real layer-4 balancer
// would see the refusal itself; here it has to be remembered beside.
func (b *balancer) refuse(near *wire, client string, r route) {
	b.trace(client, r)
	near.post(near.out, &parcel{end: errReset})
}

func (b *balancer) trace(client string, r route) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.routes[client] = r
}

// routeOf says where the connection from the client's address went.
func (b *balancer) routeOf(client string) route {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.routes[client]
}
