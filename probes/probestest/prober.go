package probestest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// result is what is known of a probe. The zero value is nothing.
type result int

const (
	unknown result = iota
	success
	failure
)

// answer is what became of one probe.
type answer struct {
	result  result
	warning bool
	text    string // of a failure or a warning; never the body (kubernetes/kubernetes#99425)
}

// prober sends probes, as k8s.io/kubernetes pkg/probe/http/http.go.
type prober struct {
	address   string
	transport *http.Transport
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func newProber(address string, dial dialFunc) prober {
	return prober{address: address, transport: &http.Transport{
		DialContext:        dial,
		DisableKeepAlives:  true, // a connection a probe
		DisableCompression: true,
		Proxy:              nil,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, // for redirects to https
		ForceAttemptHTTP2:  true,
	}}
}

// attempts is maxProbeRetries of k8s.io/kubernetes pkg/kubelet/prober/prober.go,
// which counts the first one.
const attempts = 3

// ask returns an answer, or an error if there was none in all its attempts.
func (p prober) ask(ctx context.Context, probe Probe) (a answer, err error) {
	for range attempts {
		if a, err = p.attempt(ctx, probe); err == nil {
			break
		}
	}
	return a, err
}

func (p prober) attempt(ctx context.Context, probe Probe) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+probe.Path, nil)
	if err != nil {
		return answer{}, err
	}
	request.Header = http.Header{"User-Agent": {"kube-probe/1.37"}, "Accept": {"*/*"}}
	client := http.Client{
		Transport:     p.transport,
		Timeout:       probe.Timeout - probe.Timeout/1e6, // what takes just as long is too late: a network takes time, too
		CheckRedirect: stayLocal,
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{result: failure, text: err.Error()}, nil
	}
	defer func() { _ = response.Body.Close() }()
	const most = 10 << 10 // of the body; then it hangs up, and the server may see ECONNRESET
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, most)); err != nil {
		return answer{}, err // whatever the status was
	}
	switch code := response.StatusCode; {
	case code < http.StatusOK || code >= http.StatusBadRequest:
		return answer{result: failure, text: fmt.Sprintf("HTTP probe failed with statuscode: %d", code)}, nil
	case code >= http.StatusMultipleChoices:
		return answer{result: success, warning: true, text: "Probe terminated redirects"}, nil
	}
	return answer{result: success}, nil
}

// stayLocal follows redirects to the same host, ports and schemes aside. That
// too many are a failure is what the code does; the documentation of Kubernetes
// calls them a success.
func stayLocal(request *http.Request, via []*http.Request) error {
	if request.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}
