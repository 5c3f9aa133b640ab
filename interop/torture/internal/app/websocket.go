package app

import (
	"context"
	"net/http"

	"github.com/coder/websocket"
)

// webSocket sends every message back, and closes with 1001 between two.
func (s Service) webSocket(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	told := s.told(ctx)
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }() // twice is no error that matters

	messages := make(chan message)
	ended := make(chan struct{})
	defer func() { <-ended }()
	go func() {
		defer close(ended)
		defer close(messages)
		receive(ctx, conn, messages, told)
	}()
	for {
		select {
		case m, ok := <-messages:
			if !ok || conn.Write(ctx, m.kind, m.data) != nil {
				return
			}
		case <-told:
			_ = conn.Close(websocket.StatusGoingAway, Bye) // waits for the answer, with a limit
			return
		}
	}
}

type message struct {
	kind websocket.MessageType
	data []byte
}

// receive ends when nothing comes any more. What it has read when the end comes
// it does not pass on, and so nobody answers it.
func receive(ctx context.Context, conn *websocket.Conn, messages chan<- message, told <-chan struct{}) {
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		select {
		case messages <- message{kind, data}:
		case <-told:
			return
		case <-ctx.Done():
			return
		}
	}
}
