package h2_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/internal/h2"
)

const (
	data, headers, reset, settings, ping, goAway, continuation = 0, 1, 3, 4, 6, 7, 9

	endStream, ack, endHeaders = 1, 1, 4

	highest = 1<<31 - 1
)

// A frame as RFC 9113, 4.1 draws it.
type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

func (f frame) bytes() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(f.payload))<<8|uint32(f.kind))
	b = binary.BigEndian.AppendUint32(append(b, f.flags), f.stream)
	return append(b, f.payload...)
}

// frames is the reference: it has the whole at once. What is left is no frame.
func frames(b []byte) (all []frame, left []byte) {
	for len(b) >= 9 {
		size := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
		if len(b) < 9+size {
			break
		}
		all = append(all, frame{b[3], b[4], binary.BigEndian.Uint32(b[5:9]) & highest, b[9 : 9+size]})
		b = b[9+size:]
	}
	return all, b
}

func goodbye(last uint32) frame {
	return frame{goAway, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), 0)}
}

func ours() frame   { return frame{ping, 0, 0, []byte("handover")} }
func answer() frame { return frame{ping, ack, 0, []byte("handover")} }

func join(all ...frame) (b []byte) {
	for _, f := range all {
		b = append(b, f.bytes()...)
	}
	return b
}

// around gives a connection to a hooked server as net/http does, and returns what
// the server is given instead.
func around(t *testing.T, c net.Conn) *h2.Conn {
	t.Helper()
	nothing := func(*http.Server, *tls.Conn, http.Handler) {}
	srv := &http.Server{TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": nothing, "unencrypted_http2": nothing,
	}}
	var followed *h2.Conn
	require.True(t, h2.Hook(srv, func(c *h2.Conn) { followed = c }))
	srv.TLSNextProto["unencrypted_http2"](srv, tls.Client(handedOver{c}, nil), nil)
	require.NotNil(t, followed)
	return followed
}

type handedOver struct{ net.Conn }

func (h handedOver) UnencryptedNetConn() net.Conn { return h.Conn }

// wire is the other end: it has sent what in holds, and keeps what it gets.
type wire struct {
	net.Conn
	in      bytes.Buffer
	mu      sync.Mutex
	out     bytes.Buffer
	half    bool
	failing error
	waits   chan struct{} // if not nil, Write does
}

func (w *wire) Read(p []byte) (int, error) { return w.in.Read(p) }

func (w *wire) Write(p []byte) (int, error) {
	if w.waits != nil {
		<-w.waits
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		n, _ := w.out.Write(p[:len(p)/2])
		return n, w.failing
	}
	return w.out.Write(p)
}

func (w *wire) CloseWrite() error {
	w.half = true
	return nil
}

func (w *wire) Close() error { return nil }

func (w *wire) got() []frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	all, left := frames(w.out.Bytes())
	if len(left) > 0 {
		return nil
	}
	return all
}

// A bench is a Conn on a wire.
type bench struct {
	*h2.Conn
	wire *wire
	t    *testing.T
}

func newBench(t *testing.T) *bench {
	t.Helper()
	w := &wire{}
	b := &bench{around(t, w), w, t}
	b.writes(frame{kind: settings})
	return b
}

// reads lets the client send.
func (b *bench) reads(all ...frame) {
	b.t.Helper()
	b.wire.in.Write(join(all...))
	for b.wire.in.Len() > 0 {
		_, err := b.Read(make([]byte, 1<<10))
		require.True(b.t, err == nil || errors.Is(err, io.EOF), err)
	}
}

// writes is net/http.
func (b *bench) writes(all ...frame) {
	b.t.Helper()
	n, err := b.Write(join(all...))
	require.NoError(b.t, err)
	require.Equal(b.t, len(join(all...)), n)
}

func request(stream uint32) frame { return frame{headers, endStream | endHeaders, stream, []byte("x")} }
func upload(stream uint32) frame  { return frame{headers, endHeaders, stream, []byte("x")} }
func end(stream uint32) frame     { return frame{data, endStream, stream, nil} }
func cancel(stream uint32) frame  { return frame{reset, 0, stream, make([]byte, 4)} }

func TestAStreamIsOpenFromItsHeadersToItsEndOnTheWire(t *testing.T) {
	for name, test := range map[string]struct {
		conversation func(b *bench)
		open         int
	}{
		"asked":                           {func(b *bench) { b.reads(request(1), request(3)) }, 2},
		"answered":                        {func(b *bench) { b.reads(request(1), request(3)); b.writes(upload(1), end(1)) }, 1},
		"answered by headers alone":       {func(b *bench) { b.reads(request(1)); b.writes(request(1)) }, 0},
		"interim answers end nothing":     {func(b *bench) { b.reads(request(1)); b.writes(upload(1)) }, 1},
		"reset by the client":             {func(b *bench) { b.reads(request(1), cancel(1)) }, 0},
		"reset by the server":             {func(b *bench) { b.reads(request(1)); b.writes(cancel(1)) }, 0},
		"reset after its end, beside one": {func(b *bench) { b.reads(upload(1), upload(3)); b.writes(end(1), cancel(1)) }, 1},
		"trailers begin nothing":          {func(b *bench) { b.reads(upload(1), request(1)) }, 1},
		"trailers after the end":          {func(b *bench) { b.reads(upload(1)); b.writes(end(1)); b.reads(request(1)) }, 0},
		"the client's end is not ours":    {func(b *bench) { b.reads(upload(1), end(1)) }, 1},
		"dropped by net/http's GOAWAY":    {func(b *bench) { b.reads(request(1), request(3)); b.writes(goodbye(1)) }, 1},
		"opened after net/http's GOAWAY":  {func(b *bench) { b.reads(request(1)); b.writes(goodbye(1)); b.reads(request(3)) }, 1},
		"half of its header":              {func(b *bench) { b.wire.in.Write(request(1).bytes()[:8]); b.reads() }, 0},
		"its header, and not the rest":    {func(b *bench) { b.wire.in.Write(request(1).bytes()[:9]); b.reads() }, 1},
		"half of its end":                 {func(b *bench) { b.reads(request(1)); _, _ = b.Write(cancel(1).bytes()[:9]) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			test.conversation(b)
			require.Equal(t, test.open, b.Streams())
		})
	}
}

func TestOurFramesGoWhereFramesMayGo(t *testing.T) {
	block := frame{headers, 0, 1, []byte("x")}
	rest := frame{continuation, endHeaders, 1, []byte("y")}
	whole := join(upload(1), end(1))
	for name, test := range map[string]struct {
		before, after [][]byte // Announce
		want          []frame
	}{
		"at once":                      {[][]byte{join(frame{kind: settings})}, nil, []frame{{kind: settings}, goodbye(highest), ours()}},
		"after the server's SETTINGS":  {nil, [][]byte{join(frame{kind: settings}, upload(1))}, []frame{{kind: settings}, goodbye(highest), ours(), upload(1)}},
		"after the frame that is cut":  {[][]byte{join(frame{kind: settings}), whole[:9]}, [][]byte{whole[9:]}, []frame{{kind: settings}, upload(1), goodbye(highest), ours(), end(1)}},
		"after a header that is cut":   {[][]byte{join(frame{kind: settings}), whole[:3]}, [][]byte{whole[3:12], whole[12:]}, []frame{{kind: settings}, upload(1), goodbye(highest), ours(), end(1)}},
		"after the whole header block": {[][]byte{join(frame{kind: settings}, block)}, [][]byte{join(rest, end(1))}, []frame{{kind: settings}, block, rest, goodbye(highest), ours(), end(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{}
				c := around(t, w)
				defer func() { require.NoError(t, c.Close()) }()
				write := func(all [][]byte) {
					for _, p := range all {
						n, err := c.Write(p)
						require.NoError(t, err)
						require.Len(t, p, n)
					}
				}
				write(test.before)
				c.Announce()
				c.Announce()
				synctest.Wait()
				write(test.after)
				require.Equal(t, join(test.want...), w.out.Bytes())
			})
		})
	}
}

func TestTheClientIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		conversation func(b *bench)
		told         time.Duration // after Announce
	}{
		"when it has answered":                  {func(b *bench) { b.reads(answer()) }, 100 * time.Millisecond},
		"an answer to net/http is none":         {func(b *bench) { b.reads(frame{ping, ack, 0, []byte("net/http")}) }, time.Second},
		"a PING of the same text is none":       {func(b *bench) { b.reads(ours()) }, time.Second},
		"when it does not answer":               {func(*bench) {}, time.Second},
		"only by an answer while a stream runs": {func(b *bench) { b.reads(request(1)); time.Sleep(time.Minute); b.writes(end(1)) }, time.Minute + time.Second},
		"by an answer while a stream runs":      {func(b *bench) { b.reads(request(1), answer()) }, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer func() { require.NoError(t, b.Close()) }()
				var told time.Duration
				began := time.Now()
				b.OnChange(func() {
					if told == 0 && b.Told() {
						told = time.Since(began)
					}
				})
				require.False(t, b.Announced())
				b.Announce()
				require.True(t, b.Announced())
				synctest.Wait()
				test.conversation(b)
				require.False(t, b.Told())
				time.Sleep(time.Hour)
				synctest.Wait()
				require.True(t, b.Told())
				require.Equal(t, test.told, told)
			})
		})
	}
}

// Go's client gives a stream its number, answers a PING, and writes the stream.
func TestAStreamThatItsAnswerHasOvertakenIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { require.NoError(t, b.Close()) }()
		b.Announce()
		synctest.Wait()
		b.reads(answer())
		time.Sleep(50 * time.Millisecond)
		require.False(t, b.Finish())
		b.reads(request(1))
		time.Sleep(time.Second)
		synctest.Wait()
		require.False(t, b.Finish(), "it is open")
		b.writes(end(1))
		require.True(t, b.Finish())
		synctest.Wait()
		require.Equal(t, []frame{{kind: settings, payload: []byte{}}, goodbye(highest), ours(), {data, endStream, 1, []byte{}}, goodbye(1)}, b.wire.got())
	})
}

func TestAfterFinishNothingIsReadOrWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.reads(request(1))
		b.writes(end(1))
		require.False(t, b.Finish(), "it was not announced")
		b.Announce()
		synctest.Wait()
		require.False(t, b.Finish(), "it was not told")
		time.Sleep(time.Second)
		synctest.Wait()
		require.True(t, b.Finish())
		require.True(t, b.Finish())
		synctest.Wait()
		require.True(t, b.wire.half)
		before := b.wire.out.Len()
		b.writes(frame{kind: ping, payload: make([]byte, 8)})
		require.Equal(t, before, b.wire.out.Len())

		for _, late := range []frame{{kind: settings}, request(3), end(1)} {
			b.wire.in.Write(late.bytes())
			n, err := b.Read(make([]byte, 100))
			require.ErrorIs(t, err, io.EOF)
			require.Zero(t, n)
		}
		require.Zero(t, b.Streams())
		require.NoError(t, b.Close())
		require.NoError(t, b.Close())
	})
}

func TestTheLastStreamDoesNotGrowAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { require.NoError(t, b.Close()) }()
		b.reads(request(1), request(3))
		b.writes(goodbye(1), end(1)) // net/http's: an answer said Connection: close
		b.Announce()
		time.Sleep(time.Second)
		synctest.Wait()
		require.True(t, b.Finish())
		synctest.Wait()
		require.Equal(t, join(frame{kind: settings}, goodbye(1), end(1), ours(), goodbye(1)), b.wire.out.Bytes())
	})
}

func TestAFrameOfOursThatWasCutIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.wire.failing = errors.New("cut")
		b.Announce()
		synctest.Wait()
		before := b.wire.out.Len()
		b.wire.failing = nil
		_, err := b.Write(end(1).bytes())
		require.EqualError(t, err, "cut")
		require.Equal(t, before, b.wire.out.Len())
		require.NoError(t, b.Close())
	})
}

// A write that was cut short goes on at the right byte (http.HTTP2Config.WriteByteTimeout).
func TestAWriteThatWasCutGoesOn(t *testing.T) {
	b := newBench(t)
	b.reads(request(1))
	b.wire.failing = errors.New("cut")
	p := join(upload(1), end(1))
	n, err := b.Write(p)
	require.Error(t, err)
	b.wire.failing = nil
	require.Equal(t, 1, b.Streams())
	_, err = b.Write(p[n:])
	require.NoError(t, err)
	require.Zero(t, b.Streams())
	require.NotNil(t, b.wire.got())
}

func TestNothingHappensAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.OnChange(func() { t.Error("nobody is there to be told") })
		b.Announce()
		synctest.Wait()
		require.NoError(t, b.Close())
		b.reads(answer())
		time.Sleep(time.Minute)
		b.Announce()
		require.True(t, b.Finish(), "it has ended")
		require.Equal(t, join(frame{kind: settings}, goodbye(highest), ours()), b.wire.out.Bytes())
	})
}

func TestTheLastEndOfAStreamIsNews(t *testing.T) {
	for name, end := range map[string]func(b *bench){
		"that net/http wrote":    func(b *bench) { b.writes(end(1)) },
		"that the client reset":  func(b *bench) { b.reads(cancel(1)) },
		"that net/http disowned": func(b *bench) { b.writes(goodbye(0)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			news := 0
			b.OnChange(func() { news++ })
			b.reads(request(1))
			require.Zero(t, news)
			end(b)
			require.Equal(t, 1, news)
		})
	}
}

// Announce finds a Write that waits for the client, after which net/http has
// nothing to say.
func TestAWriteThatWaitsTakesOursAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { require.NoError(t, b.Close()) }()
		b.wire.waits = make(chan struct{})
		go func() { _, _ = b.Write(end(1).bytes()) }()
		synctest.Wait()
		b.Announce()
		synctest.Wait()
		close(b.wire.waits)
		synctest.Wait()
		require.Equal(t, join(frame{kind: settings}, end(1), goodbye(highest), ours()), b.wire.out.Bytes())
	})
}

func TestCloseWaitsForWhatAnnounceHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.wire.waits = make(chan struct{})
		b.Announce()
		synctest.Wait()
		time.AfterFunc(time.Minute, func() { close(b.wire.waits) })
		began := time.Now()
		require.NoError(t, b.Close())
		require.Equal(t, time.Minute, time.Since(began))
	})
}

// A net.Pipe has no buffer: whoever writes waits for the reader.
func TestAClientThatDoesNotReadHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer func() { _ = client.Close() }()
		c := around(t, server)
		go func() { _, _ = c.Write(frame{kind: settings}.bytes()) }()
		_, err := io.ReadFull(client, make([]byte, 9))
		require.NoError(t, err)
		synctest.Wait()

		began := time.Now()
		c.Announce()
		require.Zero(t, time.Since(began))
		time.Sleep(time.Second)
		synctest.Wait()
		require.True(t, c.Told())
		require.True(t, c.Finish())
		require.NoError(t, c.Close())
		require.Equal(t, time.Second, time.Since(began))
	})
}
