package balance

import (
	"context"
	"net"

	"github.com/handover-go/handover/shutdown/droptest/internal/once"
	"github.com/handover-go/handover/shutdown/droptest/internal/wire"
)

// serveLayer4 gives each new connection to the next endpoint. It knows nothing
// of requests, and it never takes a connection back.
func (b *Balancer) serveLayer4(ctx context.Context, ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		b.work.Go(func() { b.connect(ctx, conn) })
	}
}

func (b *Balancer) connect(ctx context.Context, conn net.Conn) {
	client := conn.RemoteAddr().String()
	near := b.wires.Add(conn, 0)
	e := b.rotation.Next()
	if e == nil {
		b.refuse(near, client, Route{Refused: noEndpoint})
		return
	}
	b.routes.note(client, Route{Process: e.Name})
	far, err := b.dial(ctx, e)
	if err != nil {
		b.refuse(near, client, Route{Process: e.Name, Refused: once.CauseOf(err)})
		return
	}
	b.work.Go(func() { near.Forward(far) })
	far.Forward(near)
}

// refuse resets the client's connection. A client of a real layer-4 balancer
// would see the refusal itself; here it has to be remembered beside.
//
// It waits for the client's first bytes: a reset that comes earlier can fail the
// client's connect, which then does not know what its own address was, and so
// nobody would know what it was refused for.
func (b *Balancer) refuse(near *wire.Wire, client string, r Route) {
	b.routes.note(client, r)
	_, _ = near.Read(nil)
	near.Reset()
}
