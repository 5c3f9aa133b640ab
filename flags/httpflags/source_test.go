package httpflags_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/handover-go/handover/flags/flagstest"
	"github.com/handover-go/handover/flags/httpflags"
)

func TestAnEndpointIsASource(t *testing.T) {
	// What a server says of a document, when it is the nth that was set.
	tests := map[string]func(w http.ResponseWriter, nth int){
		"whose server names versions": func(w http.ResponseWriter, nth int) {
			w.Header().Set("ETag", fmt.Sprintf(`"%d"`, nth))
		},
		"whose server names none": func(http.ResponseWriter, int) {},
	}
	for name, tag := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flagstest.TestSource(t, func(t *testing.T) flagstest.Store {
				s := &server{tag: tag}
				up := httptest.NewServer(s)
				t.Cleanup(up.Close)
				return flagstest.Store{
					Source: httpflags.New(up.URL, httpflags.Config{}),
					Set:    s.set, Break: s.breaks, Stall: s.stalls, Repair: s.repairs,
				}
			})
		})
	}
}

// server answers as it was told last.
type server struct {
	tag func(w http.ResponseWriter, nth int)

	mu         sync.Mutex
	nth        int
	serves, is http.HandlerFunc // what it does with the document, and what it does now
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	answer := s.is
	s.mu.Unlock()
	answer(w, r)
}

func (s *server) set(definitions []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nth++
	nth := s.nth
	s.serves = func(w http.ResponseWriter, r *http.Request) {
		s.tag(w, nth)
		if tag := w.Header().Get("ETag"); tag != "" && r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(definitions)
	}
	s.is = s.serves
	return nil
}

func (s *server) becomes(answer http.HandlerFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.is = answer
	return nil
}

func (s *server) breaks() error { return s.becomes(reply(http.StatusServiceUnavailable, "")) }

func (s *server) stalls() error {
	return s.becomes(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

func (s *server) repairs() error { return s.becomes(s.serves) }
