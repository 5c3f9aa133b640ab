package httpflags

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/handover-go/handover/flags"
)

// limit is far above any set of flags that a person wrote, and far below what hurts. It
// counts what comes out of gzip.
const limit = 16 << 20

// Config of an Endpoint. The zero value is valid.
type Config struct {
	// Client makes the requests; it is not changed. Its own CheckRedirect is asked
	// after that of this package. Default: one with a time-out of 10 s, the proxy of
	// the environment, and a connection of its own for each request. Kept connections
	// would have to be closed by somebody in the end, and a request every 30 s is
	// little to gain for that.
	Client *http.Client

	// Header is sent with each request, to the host of the URL, and is not shown to
	// one that it redirects to. Authorization, say; a token that changes is for the
	// Transport of Client.
	Header http.Header
}

// Endpoint is a flags.Source. Load may be called at any time, from any goroutine. The
// documents that it returns are not for changing: several calls return the same one.
type Endpoint struct {
	client *http.Client
	header http.Header
	url    *url.URL // nil: it could not be parsed

	mu   sync.Mutex
	last answer
}

// answer is a document, and how to ask whether it is still the one.
type answer struct {
	doc             flags.Document
	name, validator string // of the header; "" if there is none
}

// New returns the source of the document at an http or https URL. Load says if it is
// none of these.
func New(rawURL string, config Config) *Endpoint {
	e := &Endpoint{header: config.Header.Clone()}
	e.client = e.guard(config.Client)
	if u, err := url.Parse(rawURL); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		e.url = u
	}
	return e
}

// Load requests the document, and returns the one it has if the server says that this
// has not changed. The Revision is 0. It is an error, which names the URL, if the status is
// another one than 200 and 304, or the body empty or larger than 16 MiB. An error never
// costs the document: the next 304 returns it.
func (e *Endpoint) Load(ctx context.Context) (flags.Document, error) {
	if e.url == nil {
		return flags.Document{}, errors.New("httpflags: load: the URL is not one of http or https: " +
			"write https://host/path (it is not shown, as it may hold a password)")
	}
	doc, err := e.load(ctx)
	if err != nil {
		// Client's own error has the query of the URL in its text.
		if verbose, ok := errors.AsType[*url.Error](err); ok {
			err = verbose.Err
		}
		return flags.Document{}, fmt.Errorf("httpflags: load %s: %w", e.name(), err)
	}
	return doc, nil
}

// name is the URL without what may be secret.
func (e *Endpoint) name() string {
	return (&url.URL{Scheme: e.url.Scheme, Host: e.url.Host, Path: e.url.Path, RawPath: e.url.RawPath}).String()
}

func (e *Endpoint) load(ctx context.Context) (flags.Document, error) {
	e.mu.Lock()
	last := e.last
	e.mu.Unlock()

	request, err := e.request(ctx, last)
	if err != nil {
		return flags.Document{}, err
	}
	response, err := e.client.Do(request)
	if err != nil {
		return flags.Document{}, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read

	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		if last.validator == "" {
			return flags.Document{}, errors.New("304 Not Modified, which nobody had asked for")
		}
		return last.doc, nil
	default:
		// Not response.Status: the server's own words may be anything.
		return flags.Document{}, fmt.Errorf("status %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	body, err := whole(response)
	if err != nil {
		return flags.Document{}, err
	}
	next := answer{doc: flags.Document{JSON: body}}
	next.name, next.validator = validator(response.Header)
	e.mu.Lock()
	e.last = next
	e.mu.Unlock()
	return next.doc, nil
}

func (e *Endpoint) request(ctx context.Context, last answer) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	for name, values := range e.header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host // net/http does not look for it among the headers
	}
	// Those of Config would be answered with a 304 for a document that is not ours.
	request.Header.Del("If-None-Match")
	request.Header.Del("If-Modified-Since")
	if last.validator != "" {
		request.Header.Set(last.name, last.validator)
	}
	return request, nil
}

// whole returns the body, which net/http reports if it is shorter than announced.
func whole(response *http.Response) ([]byte, error) {
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, fmt.Errorf("the content is encoded (%q): take Accept-Encoding out of Config.Header", encoding)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the body: %w", err)
	case len(body) > limit:
		return nil, fmt.Errorf("the body is larger than %d MiB", limit>>20)
	case len(body) == 0:
		return nil, errors.New("200 OK with an empty body")
	}
	return body, nil
}
