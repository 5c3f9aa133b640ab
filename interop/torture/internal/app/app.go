package app

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"time"
)

const (
	// Slowly is how long a slow request takes.
	Slowly = 2 * time.Second
	// Tick is the time between two messages of a stream.
	Tick = 50 * time.Millisecond
	// Bye is the last message of a stream that was told to end.
	Bye = "bye"
)

// Service is the behaviour of all variants.
type Service struct {
	// Version comes back in the header X-Version.
	Version string
	// Draining gives a handler the channel that says when its process stops.
	// Nil: nobody says so, and streams run until they are cut.
	Draining func(context.Context) <-chan struct{}
}

// Handler answers the paths that the package comment lists.
func (s Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.id)
	mux.HandleFunc("POST /{$}", s.echo)
	mux.HandleFunc("GET /slow", s.slow)
	mux.HandleFunc("POST /upload", s.upload)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /ws", s.webSocket)
	return mux
}

// told is closed when the process stops; nil, which blocks, if nobody says so.
func (s Service) told(ctx context.Context) <-chan struct{} {
	if s.Draining == nil {
		return nil
	}
	return s.Draining(ctx)
}

func (s Service) id(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Version", s.Version)
	fmt.Fprint(w, r.URL.Query().Get("id"))
}

func (s Service) echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Version", s.Version)
	_, _ = w.Write(body) // who has gone does not read it
}

func (s Service) slow(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(Slowly):
		s.id(w, r)
	case <-r.Context().Done():
		http.Error(w, "the request was cancelled", http.StatusInternalServerError)
	}
}

func (s Service) upload(w http.ResponseWriter, r *http.Request) {
	sum := crc32.NewIEEE()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Version", s.Version)
	fmt.Fprintf(w, "%d %08x", n, sum.Sum32())
}

// events ends at the boundary of a message, with one that says so.
func (s Service) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx collects otherwise
	s.count(r.Context(), func(message string) error {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", message); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
}

// count sends 0, 1, 2 and so on, a Tick apart, and Bye when the process stops.
func (s Service) count(ctx context.Context, send func(string) error) {
	told := s.told(ctx)
	tick := time.NewTicker(Tick)
	defer tick.Stop()
	for n := 0; send(fmt.Sprint(n)) == nil; n++ {
		select {
		case <-tick.C:
		case <-told:
			_ = send(Bye) // who has gone does not read it
			return
		case <-ctx.Done():
			return
		}
	}
}
