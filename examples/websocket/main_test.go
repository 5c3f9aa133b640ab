package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/shutdown"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

func TestConnectionsThatLastSayGoodbye(t *testing.T) {
	api := shutdown.HTTP(&http.Server{Addr: "127.0.0.1:0", Handler: newAPI()}, shutdown.Config{LingerMax: 100 * time.Millisecond})
	require.NoError(t, api.Listen(t.Context()))
	ctx := context.WithoutCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- api.Serve(ctx) }()
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}

	socket, resp, err := websocket.Dial(ctx, "ws://"+api.Addr().String()+"/echo", &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // the socket is closed
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	require.NoError(t, socket.Write(ctx, websocket.MessageText, []byte("hello")))
	_, message, err := socket.Read(ctx)
	require.NoError(t, err)
	require.Equal(t, "hello", string(message))

	events, err := client.Get("http://" + api.Addr().String() + "/events") //nolint:noctx // ends with the test
	require.NoError(t, err)
	closed := make(chan error, 1)
	go func() {
		_, _, err := socket.Read(ctx)
		closed <- err
	}()

	require.NoError(t, api.Shutdown(ctx))
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(<-closed))
	text, err := io.ReadAll(events.Body)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(text), "event: bye\ndata: restarting\n\n"), string(text))
	require.NoError(t, events.Body.Close())
	require.NoError(t, <-served)
	require.Equal(t, 2, api.Report().Told)
	require.Empty(t, api.Report().Cut)
	transport.CloseIdleConnections()
}
