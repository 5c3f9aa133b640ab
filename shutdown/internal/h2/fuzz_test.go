package h2_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/internal/h2"
)

// side is what one side has to say, of which some has been said.
type side struct {
	bytes []byte
	said  int
	all   []frame
	at    []int // where each begins
	heard int   // frames that the model has seen
}

func (s *side) add(f frame) {
	s.at, s.all = append(s.at, len(s.bytes)), append(s.all, f)
	s.bytes = append(s.bytes, f.bytes()...)
}

// model is what a Conn should know, from whole frames.
type model struct {
	open           map[uint32]bool
	last, disowned uint32
}

// read and wrote are told of frames up to the byte that was said.
func (m *model) read(s *side) {
	for ; s.heard < len(s.all); s.heard++ {
		f, needs := s.all[s.heard], s.at[s.heard]+9
		if f.kind != headers {
			needs += len(f.payload)
		}
		if needs > s.said {
			return
		}
		switch {
		case f.kind == headers && f.stream > m.last:
			m.last = f.stream
			if f.stream <= m.disowned {
				m.open[f.stream] = true
			}
		case f.kind == reset:
			delete(m.open, f.stream)
		}
	}
}

func (m *model) wrote(s *side) {
	for ; s.heard < len(s.all); s.heard++ {
		f := s.all[s.heard]
		if s.at[s.heard]+9+len(f.payload) > s.said {
			return
		}
		switch {
		case f.kind == reset, (f.kind == data || f.kind == headers) && f.flags&endStream != 0:
			delete(m.open, f.stream)
		case f.kind == goAway:
			m.disowned = min(m.disowned, binary.BigEndian.Uint32(f.payload))
			for stream := range m.open {
				if stream > m.disowned {
					delete(m.open, stream)
				}
			}
		}
	}
}

// A talk is a conversation that the fuzzer has written.
type talk struct {
	t              *testing.T
	c              *h2.Conn
	wire           *wire
	client, server side
	model          model
	read           bytes.Buffer // what net/http was given
	finished       bool
}

// made is a frame of three bytes' choice.
func made(kind, flags, stream byte) frame {
	f := frame{kind % 10, flags & 0xf, uint32(stream % 16), make([]byte, int(flags>>4)*3)}
	if f.kind == goAway {
		f.payload = goodbye(uint32(stream)).payload
		f.stream = 0
	}
	if f.kind == ping && f.flags&ack != 0 { // not by chance
		f.payload = make([]byte, 8)
	}
	return f
}

func (k *talk) reads(n int) {
	n = min(n, len(k.client.bytes)-k.client.said)
	if n == 0 || k.finished {
		return
	}
	k.wire.in.Write(k.client.bytes[k.client.said:][:n])
	p := make([]byte, n)
	got, err := k.c.Read(p)
	require.NoError(k.t, err)
	require.Equal(k.t, n, got)
	k.read.Write(p)
	k.client.said += n
	k.model.read(&k.client)
}

func (k *talk) writes(n int) {
	n = min(n, len(k.server.bytes)-k.server.said)
	wrote, err := k.c.Write(k.server.bytes[k.server.said:][:n])
	require.NoError(k.t, err)
	require.Equal(k.t, n, wrote)
	k.server.said += n
	k.model.wrote(&k.server)
}

// step takes what it needs of the script.
func (k *talk) step(script []byte) (rest []byte) {
	if len(script) < 4 {
		return nil
	}
	switch a, b, c := script[1], script[2], script[3]; script[0] % 8 {
	case 0:
		k.client.add(made(a, b, c))
		return script[4:]
	case 1:
		k.server.add(made(a, b, c))
		return script[4:]
	case 2:
		k.reads(int(a) % 40)
	case 3:
		k.writes(int(a) % 40)
	case 4:
		k.c.Announce()
		synctest.Wait()
	case 5:
		k.client.add(answer())
	case 6:
		time.Sleep(time.Second)
		synctest.Wait()
	case 7:
		k.finish()
	}
	return script[2:]
}

func (k *talk) finish() {
	if !k.finished {
		require.Len(k.t, k.model.open, k.c.Streams())
	}
	if k.c.Finish() {
		require.Zero(k.t, k.c.Streams())
		k.finished = true
		synctest.Wait()
	}
}

// check reads what the client got as a whole: net/http's frames, and ours where
// they may be.
func (k *talk) check() {
	all, left := frames(k.wire.out.Bytes())
	require.Empty(k.t, left)
	rest, block, asked, last := k.server.all, false, false, false
	for i, f := range all {
		require.False(k.t, last, "nothing follows the last GOAWAY")
		if len(rest) > 0 && bytes.Equal(rest[0].bytes(), f.bytes()) {
			rest = rest[1:]
			if f.kind == headers || f.kind == 5 || f.kind == continuation {
				block = f.flags&endHeaders == 0
			}
			continue
		}
		require.False(k.t, block, "frame %d is in a header block", i)
		require.NotZero(k.t, i, "SETTINGS come first")
		switch {
		case bytes.Equal(f.bytes(), goodbye(highest).bytes()):
			require.False(k.t, asked)
		case bytes.Equal(f.bytes(), ours().bytes()):
			require.False(k.t, asked)
			asked = true
		default:
			require.True(k.t, k.finished)
			require.Equal(k.t, goodbye(min(k.model.last, k.model.disowned)).bytes(), f.bytes())
			last = true
		}
	}
	if !k.finished {
		require.Empty(k.t, rest)
		require.Len(k.t, k.model.open, k.c.Streams())
		require.Equal(k.t, k.client.bytes, k.read.Bytes())
	}
}

func FuzzFramesAreFollowedHoweverTheyAreCut(f *testing.F) {
	f.Add([]byte{0, 1, 4, 1, 2, 39, 1, 0, 1, 1, 3, 30, 4, 0, 3, 39, 5, 0, 2, 39, 6, 0, 7, 0})
	f.Add([]byte{0, 1, 4, 1, 0, 1, 4, 3, 2, 39, 1, 1, 0xf0, 1, 4, 0, 3, 20, 1, 9, 4, 1, 3, 2, 3, 39, 1, 7, 0, 1, 6, 0, 7, 0})
	f.Add([]byte{4, 0, 3, 5, 3, 5, 6, 0, 7, 0, 1, 0, 0xff, 1, 3, 20})
	f.Add([]byte{1, 6, 0x30, 0, 3, 20, 4, 0, 6, 0, 7, 0, 3, 39, 3, 39, 0, 1, 4, 1})
	f.Add([]byte{5, 0, 2, 39, 4, 0, 6, 0, 7, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{}
			k := &talk{t: t, wire: w, c: around(t, w), model: model{open: map[uint32]bool{}, disowned: highest}}
			defer func() { require.NoError(t, k.c.Close()) }()
			k.server.add(frame{kind: settings, payload: make([]byte, 6)})
			for len(script) > 0 {
				script = k.step(script)
			}
			k.reads(len(k.client.bytes))
			k.writes(len(k.server.bytes))
			k.check()
		})
	})
}
