package h2

import "net"

// Follow is for servers that read HTTP/2 from the connection themselves, preface
// and all. Whether it is HTTP/2 shows when the client begins: what begins
// otherwise, such as TLS, passes as it is, and can neither be told nor finished.
func Follow(below net.Conn) *Conn {
	c := newConn(below)
	c.greeted = 0
	c.hello.Store(false)
	return c
}

// OnBegin makes f be called for each stream that the client begins. It is called
// before anything is read; f must not wait.
func (c *Conn) OnBegin(f func()) { c.begun = f }

// OnEnd makes f be called for each stream that has ended. f must not wait, nor ask
// c for anything.
func (c *Conn) OnEnd(f func()) { c.over = f }

// Greeted reports whether the client has begun with what HTTP/2 begins with.
func (c *Conn) Greeted() bool { return c.hello.Load() }

// Foreign reports whether the client has begun with something else than HTTP/2.
func (c *Conn) Foreign() bool { return c.foreign.Load() }

// greet takes what belongs to the preface, and all of what is foreign.
func (c *Conn) greet(p []byte) (frames []byte) {
	for c.greeted < len(preface) && len(p) > 0 && !c.foreign.Load() {
		if p[0] != preface[c.greeted] {
			c.foreign.Store(true)
			if c.begun != nil {
				c.begun()
			}
			break
		}
		c.greeted++
		p = p[1:]
		c.hello.Store(c.greeted == len(preface))
	}
	if c.foreign.Load() {
		return nil
	}
	return p
}
