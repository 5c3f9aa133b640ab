package shutdown_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Whoever only asks does not keep the listener open.
func TestProbesAreKnown(t *testing.T) {
	for name, tc := range map[string]struct {
		request string
		linger  bool
	}{
		"the kubelet":         {request: "GET /up HTTP/1.1\r\nHost: test\r\nUser-Agent: kube-probe/1.37\r\n\r\n"},
		"AWS":                 {request: "GET /up HTTP/1.1\r\nHost: test\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n"},
		"Google":              {request: "GET /up HTTP/1.1\r\nHost: test\r\nUser-Agent: GoogleHC/1.0\r\n\r\n"},
		"Consul":              {request: "GET /up HTTP/1.1\r\nHost: test\r\nUser-Agent: Consul Health Check\r\n\r\n"},
		"Envoy":               {request: "GET /up HTTP/1.1\r\nHost: test\r\nUser-Agent: Envoy/HC\r\n\r\n"},
		"HAProxy":             {request: "OPTIONS / HTTP/1.0\r\n\r\n"},
		"anybody on a path":   {request: "GET /readyz HTTP/1.1\r\nHost: test\r\n\r\n"},
		"but no user":         {request: "GET /up HTTP/1.1\r\nHost: test\r\nUser-Agent: Mozilla/5.0\r\n\r\n", linger: true},
		"and no CORS request": {request: "OPTIONS / HTTP/1.1\r\nHost: test\r\n\r\n", linger: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, hello)
				c := s.open()
				c.send(tc.request)
				require.Contains(t, c.answer(), "200")
				require.NoError(t, c.Close())
				require.NoError(t, s.Shutdown(t.Context()))
				require.NoError(t, <-s.served)
				require.Equal(t, tc.linger, s.Report().Ended > time.Second)
			})
		})
	}
}
