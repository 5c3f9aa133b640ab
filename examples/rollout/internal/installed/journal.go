package installed

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/front"
)

// journal reads what a balancer logs, in datagrams with a JSON object each.
type journal struct {
	watch *front.Watch
	conn  net.PacketConn
	work  sync.WaitGroup

	mu     sync.Mutex
	spare  string            // the latest: lines come after the state that they are of
	former map[string]string // the versions of all that have been there
}

// record is one request. nginx has a list of tries in each field, as in "503, 200".
type record struct {
	To      string `json:"to"`      // host:port
	Status  string `json:"status"`  // of the process
	Seconds string `json:"seconds"` // until it had answered

	Milliseconds string `json:"milliseconds"` // instead, of HAProxy
	Retries      string `json:"retries"`      // of HAProxy, "+1" if it was another's turn
}

func newJournal(w *front.Watch) (*journal, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the log: %w", err)
	}
	return &journal{watch: w, conn: conn, former: map[string]string{}}, nil
}

func (j *journal) address() string { return j.conn.LocalAddr().String() }

// start reads until ctx ends.
func (j *journal) start(ctx context.Context) {
	j.work.Go(func() {
		defer context.AfterFunc(ctx, func() { _ = j.conn.Close() })()
		line := make([]byte, 64<<10)
		for {
			n, _, err := j.conn.ReadFrom(line)
			if err != nil {
				return
			}
			j.read(line[:n])
		}
	})
}

// set is what is in force from here on.
func (j *journal) set(s front.State) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.spare = cmp.Or(s.Spare, j.spare)
	for _, t := range s.Targets {
		j.former[t.API] = t.Version
	}
}

// read tells of a line. What is before the object is the log's own.
func (j *journal) read(line []byte) {
	var r record
	at := bytes.IndexByte(line, '{')
	if at < 0 || json.Unmarshal(line[at:], &r) != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	tries := strings.Split(r.To, ", ")
	for i, to := range tries {
		version, known := j.former[to]
		if !known {
			continue // it is the balancer itself that has answered
		}
		status, _ := strconv.Atoi(nth(r.Status, i))
		j.watch.Seen(version, r.took(i), status < 100 || status >= 500)
		switch last := i == len(tries)-1; {
		case last:
		case version == j.spare:
			j.watch.Hide()
		default:
			j.watch.Spare()
		}
	}
	if n, _ := strconv.Atoi(strings.TrimPrefix(r.Retries, "+")); n > 0 {
		j.watch.Spare()
	}
}

// took is 0 where there was no answer.
func (r record) took(try int) time.Duration {
	took, err := time.ParseDuration(nth(r.Seconds, try) + "s")
	if err != nil {
		took, _ = time.ParseDuration(nth(r.Milliseconds, try) + "ms")
	}
	return max(0, took)
}

func nth(list string, i int) string {
	all := strings.Split(list, ", ")
	if i >= len(all) {
		return ""
	}
	return all[i]
}

func (j *journal) wait() { j.work.Wait() }
