package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/handover-go/handover/shutdown"
)

// followOrder streams the states of an order until it is shipped. A client that is told
// to go comes back to another instance, and sees the state that there is then: nothing is
// to be resumed.
func (s *routes) followOrder(w http.ResponseWriter, r *http.Request) {
	now, err := s.order(r)
	if err != nil {
		refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for said := ""; ; {
		if err == nil && now.State != said {
			said = now.State
			text, _ := json.Marshal(now) // numbers and texts
			_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", said, text)
		} else {
			_, _ = fmt.Fprint(w, ":\n\n") // a comment: no proxy takes the stream for dead
		}
		if http.NewResponseController(w).Flush() != nil || said != "placed" {
			return
		}
		select {
		case <-tick.C:
			now, err = s.order(r) // an error is news for later
		case <-shutdown.Draining(r.Context()):
			_, _ = fmt.Fprint(w, "retry: 100\nevent: bye\ndata: restarting\n\n")
			return
		case <-r.Context().Done():
			return
		}
	}
}

// searchLive searches for each message of a WebSocket. The one in hand is answered before
// the socket is closed; to one that is not, the client gets 1001 and asks another instance.
func (s *routes) searchLive(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = c.CloseNow() }()
	var inHand sync.Mutex
	defer shutdown.OnDraining(r.Context(), func() {
		inHand.Lock()
		defer inHand.Unlock()
		_ = c.Close(websocket.StatusGoingAway, "restarting")
	})()

	ctx := context.WithoutCancel(r.Context()) // it has the flags, for hours: a kill gets through
	for {
		_, prefix, err := c.Read(ctx)
		if err != nil {
			return
		}
		inHand.Lock()
		err = s.answer(ctx, c, string(prefix))
		inHand.Unlock()
		if err != nil {
			return
		}
	}
}

// answer sends a list, or an object with an error.
func (s *routes) answer(ctx context.Context, c *websocket.Conn, prefix string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var answer any = &refusalError{Text: "there is no search at the moment"}
	if s.searching.On(ctx) {
		if found, err := s.users.search(ctx, prefix); err == nil {
			answer = found
		} else {
			slog.Error("a search has failed", "err", err)
		}
	}
	text, _ := json.Marshal(answer) // numbers and texts
	return c.Write(ctx, websocket.MessageText, text)
}
