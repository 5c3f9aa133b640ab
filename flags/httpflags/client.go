package httpflags

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// timeout is for the whole of a request, from the name's lookup to the last byte.
const timeout = 10 * time.Second

// redirects is as many as net/http follows by default.
const redirects = 10

func newClient() *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			ForceAttemptHTTP2: true,
			DisableKeepAlives: true, // see Config.Client
		},
	}
}

// guard returns a client like the given one that is careful with redirects.
func (e *Endpoint) guard(client *http.Client) *http.Client {
	if client == nil {
		client = newClient()
	}
	careful, theirs := *client, client.CheckRedirect
	careful.CheckRedirect = func(request *http.Request, via []*http.Request) error {
		from := via[len(via)-1].URL
		if from.Scheme == "https" && request.URL.Scheme != "https" {
			return fmt.Errorf("redirected from https to %s: what comes from there could be anybody's", request.URL.Scheme)
		}
		request.Header.Del("Referer") // the URL with its query
		// net/http keeps Authorization and Cookie from other hosts, and no header
		// whose name it does not know to be secret.
		if request.URL.Host != via[0].URL.Host {
			for name := range e.header {
				request.Header.Del(name)
			}
		}
		if theirs != nil {
			return theirs(request, via)
		}
		if len(via) >= redirects {
			return errors.New("redirected ten times")
		}
		return nil
	}
	return &careful
}
