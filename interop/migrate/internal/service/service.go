package service

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Addresses are where a program listens, and what it checks.
type Addresses struct {
	API, Admin string
	Upstream   string // a URL that the checks of heptioprobes ask
}

// Parse reads the addresses from the command line.
func Parse() Addresses {
	var at Addresses
	flag.StringVar(&at.API, "api", ":8080", "address of the API")
	flag.StringVar(&at.Admin, "admin", ":8081", "address of the probes")
	flag.StringVar(&at.Upstream, "upstream", "http://127.0.0.1:8082", "URL of what the service needs")
	flag.Parse()
	return at
}

// Pool stands for a pool of connections: nobody can ask it when it is closed.
type Pool struct{ closed atomic.Bool }

// Open returns a pool.
func Open() *Pool { return new(Pool) }

// Query is what a request does with it.
func (p *Pool) Query() error {
	if p.closed.Load() {
		return errors.New("service: query: the pool is closed")
	}
	return nil
}

// Close closes it, and says so on the standard output.
func (p *Pool) Close() {
	p.closed.Store(true)
	fmt.Println("pool closed")
}

// API asks the pool: at once, after a third of a second (/slow), or when the request's
// body has come to its end (/upload), of whose beginning it tells.
func API(pool *Pool) http.Handler {
	ask := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if err := pool.Query(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "done")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", ask)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		<-time.After(300 * time.Millisecond)
		ask(w, r)
	})
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("upload begun")
		ask(w, r)
	})
	return mux
}

// AlwaysReady is a readiness that knows nothing of the process, as is usual.
func AlwaysReady() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	return mux
}
