package httpflags_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/httpflags"
)

var _ flags.Source = (*httpflags.Endpoint)(nil)

// serve gives one answer after the other, the last one for ever, and writes a diary of
// the conditions that it was asked under.
func serve(t *testing.T, answers ...http.HandlerFunc) (rawURL string, diary func() []string) {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		entry := "GET"
		for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
			if value := r.Header.Get(name); value != "" {
				entry += " " + name + ": " + value
			}
		}
		answer := answers[min(len(asked), len(answers)-1)]
		asked = append(asked, entry)
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/flags.json", func() []string {
		mu.Lock()
		defer mu.Unlock()
		return asked
	}
}

// reply is a status and a body, after headers as "Name: value".
func reply(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestLoadAsksWhetherTheDocumentHasChanged(t *testing.T) {
	const (
		eight     = "Wed, 26 Nov 2025 08:00:00 GMT"
		oneLater  = "Wed, 26 Nov 2025 08:00:01 GMT"
		hourLater = "Wed, 26 Nov 2025 09:00:00 GMT"
	)
	unchanged := reply(http.StatusNotModified, "")
	// What the server answers, what it was asked, and what Load returned.
	tests := map[string]struct {
		answers     []http.HandlerFunc
		asked, docs []string
	}{
		"with an ETag": {
			answers: []http.HandlerFunc{reply(200, "1", `ETag: "a"`), unchanged, reply(200, "2", `ETag: "b"`), unchanged},
			asked:   []string{"GET", `GET If-None-Match: "a"`, `GET If-None-Match: "a"`, `GET If-None-Match: "b"`},
			docs:    []string{"1", "1", "2", "2"},
		},
		"with a weak ETag": {
			answers: []http.HandlerFunc{reply(200, "1", `ETag: W/"a"`), unchanged},
			asked:   []string{"GET", `GET If-None-Match: W/"a"`},
			docs:    []string{"1", "1"},
		},
		"with an ETag rather than with the time": {
			answers: []http.HandlerFunc{reply(200, "1", `ETag: "a"`, "Last-Modified: "+eight, "Date: "+hourLater), unchanged},
			asked:   []string{"GET", `GET If-None-Match: "a"`},
			docs:    []string{"1", "1"},
		},
		"with the time": {
			answers: []http.HandlerFunc{reply(200, "1", "Last-Modified: "+eight, "Date: "+hourLater), unchanged},
			asked:   []string{"GET", "GET If-Modified-Since: " + eight},
			docs:    []string{"1", "1"},
		},
		"but not with a time that the next version may have as well": {
			answers: []http.HandlerFunc{reply(200, "1", "Last-Modified: "+eight, "Date: "+oneLater), reply(200, "2")},
			asked:   []string{"GET", "GET"},
			docs:    []string{"1", "2"},
		},
		"but not with what is no time": {
			answers: []http.HandlerFunc{reply(200, "1", "Last-Modified: yesterday", "Date: "+hourLater), reply(200, "2")},
			asked:   []string{"GET", "GET"},
			docs:    []string{"1", "2"},
		},
		"after a failure as well": {
			answers: []http.HandlerFunc{reply(200, "1", `ETag: "a"`), reply(503, ""), unchanged},
			asked:   []string{"GET", `GET If-None-Match: "a"`, `GET If-None-Match: "a"`},
			docs:    []string{"1", "", "1"},
		},
		"no more when the server has stopped to say": {
			answers: []http.HandlerFunc{reply(200, "1", `ETag: "a"`), reply(200, "2"), reply(200, "3")},
			asked:   []string{"GET", `GET If-None-Match: "a"`, "GET"},
			docs:    []string{"1", "2", "3"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rawURL, diary := serve(t, tt.answers...)
			e := httpflags.New(rawURL, httpflags.Config{})
			var docs []string
			for range tt.docs {
				doc, err := e.Load(t.Context())
				require.Equal(t, err != nil, doc.JSON == nil)
				require.Zero(t, doc.Revision)
				docs = append(docs, string(doc.JSON))
			}
			require.Equal(t, tt.docs, docs)
			require.Equal(t, tt.asked, diary())
		})
	}
}

// packed is a body of so many zeros, made before anybody waits for it.
func packed(t *testing.T, size int) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(make([]byte, size))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

func TestLoadRefuses(t *testing.T) {
	tests := map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a failure, whose text may be anything": {
			answer: reply(http.StatusInternalServerError, "password=secret"),
			want:   "status 500 Internal Server Error",
		},
		"no permission": {answer: reply(http.StatusUnauthorized, ""), want: "status 401 Unauthorized"},
		"a pause that the server wants": {
			answer: reply(http.StatusTooManyRequests, "", "Retry-After: 3600"),
			want:   "status 429 Too Many Requests",
		},
		"no content":            {answer: reply(http.StatusNoContent, ""), want: "status 204 No Content"},
		"an empty body":         {answer: reply(http.StatusOK, ""), want: "200 OK with an empty body"},
		"304 without a version": {answer: reply(http.StatusNotModified, ""), want: "304 Not Modified, which nobody had asked for"},
		"a body that breaks off": {
			answer: reply(http.StatusOK, `{"flags":`, "Content-Length: 100"),
			want:   "read the body: unexpected EOF",
		},
		"a body that is too large": {
			answer: reply(http.StatusOK, strings.Repeat(" ", 16<<20+1)),
			want:   "the body is larger than 16 MiB",
		},
		"a body that is too large once it is unpacked": {
			answer: reply(http.StatusOK, packed(t, 16<<20+1), "Content-Encoding: gzip"),
			want:   "the body is larger than 16 MiB",
		},
		"a body that is packed otherwise": {
			answer: reply(http.StatusOK, "?", "Content-Encoding: br"),
			want:   `the content is encoded ("br"): take Accept-Encoding out of Config.Header`,
		},
		"a redirect to itself": {
			answer: reply(http.StatusFound, "", "Location: /flags.json"),
			want:   "redirected ten times",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rawURL, _ := serve(t, tt.answer)
			doc, err := httpflags.New(rawURL, httpflags.Config{}).Load(t.Context())
			require.EqualError(t, err, "httpflags: load "+rawURL+": "+tt.want)
			require.Zero(t, doc)
		})
	}
}

func TestLoadUnpacksGzip(t *testing.T) {
	rawURL, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte("{}"))
		_ = z.Close()
	})
	doc, err := httpflags.New(rawURL, httpflags.Config{}).Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, "{}", string(doc.JSON))
}

func TestLoadTakesABodyOfTheLargestSize(t *testing.T) {
	rawURL, _ := serve(t, reply(http.StatusOK, strings.Repeat(" ", 16<<20)))
	doc, err := httpflags.New(rawURL, httpflags.Config{}).Load(t.Context())
	require.NoError(t, err)
	require.Len(t, doc.JSON, 16<<20)
}

func TestErrorsDoNotShowSecrets(t *testing.T) {
	const secrets = "http://user:secret@%s/flags.json?token=secret#secret"
	down, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, down.Close())
	failing, _ := serve(t, reply(http.StatusBadGateway, "secret"))
	up, err := url.Parse(failing)
	require.NoError(t, err)

	tests := map[string]struct{ url, want string }{
		"of a server that fails": {
			url:  fmt.Sprintf(secrets, up.Host),
			want: "httpflags: load http://" + up.Host + "/flags.json: status 502 Bad Gateway",
		},
		"of a server that is down": {
			url:  fmt.Sprintf(secrets, down.Addr()),
			want: "httpflags: load http://" + down.Addr().String() + "/flags.json: dial tcp " + down.Addr().String() + ": connect: connection refused",
		},
		"of a URL that is none": {
			url: fmt.Sprintf(secrets, "a host"),
			want: "httpflags: load: the URL is not one of http or https: " +
				"write https://host/path (it is not shown, as it may hold a password)",
		},
		"of a URL of something else": {
			url: "ftp://user:secret@host/",
			want: "httpflags: load: the URL is not one of http or https: " +
				"write https://host/path (it is not shown, as it may hold a password)",
		},
		"of no URL": {
			want: "httpflags: load: the URL is not one of http or https: " +
				"write https://host/path (it is not shown, as it may hold a password)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := httpflags.New(tt.url, httpflags.Config{}).Load(t.Context())
			require.EqualError(t, err, tt.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestHeaders(t *testing.T) {
	seen := make(chan *http.Request, 1)
	rawURL, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		fmt.Fprint(w, "{}")
	})
	header := http.Header{
		"authorization": {"Bearer token"}, "Host": {"flags.example"},
		"If-None-Match": {"*"}, "If-Modified-Since": {"Wed, 26 Nov 2025 08:00:00 GMT"},
	}
	e := httpflags.New(rawURL, httpflags.Config{Header: header})
	header.Set("Authorization", "changed after New")
	_, err := e.Load(t.Context())
	require.NoError(t, err)
	r := <-seen
	require.Equal(t, "Bearer token", r.Header.Get("Authorization"))
	require.Equal(t, "application/json", r.Header.Get("Accept"))
	require.Equal(t, "flags.example", r.Host)
	require.Empty(t, r.Header.Get("If-None-Match"), "the document would be another's")
	require.Empty(t, r.Header.Get("If-Modified-Since"))
}

func TestLoadEndsWithTheContext(t *testing.T) {
	arrived := make(chan struct{})
	rawURL, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := httpflags.New(rawURL, httpflags.Config{}).Load(ctx)
	require.EqualError(t, err, "httpflags: load "+rawURL+": context canceled")
	require.ErrorIs(t, err, context.Canceled)
}

func TestClientsTimeOut(t *testing.T) {
	rawURL, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	e := httpflags.New(rawURL, httpflags.Config{Client: &http.Client{
		Timeout: 10 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true},
	}})
	_, err := e.Load(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestLoadFromManyGoroutines(t *testing.T) {
	rawURL, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"a"`)
		fmt.Fprint(w, "{}")
	})
	e := httpflags.New(rawURL, httpflags.Config{})
	errs := make(chan error)
	for range 8 {
		go func() {
			doc, err := e.Load(t.Context())
			if err == nil && string(doc.JSON) != "{}" {
				err = fmt.Errorf("%q", doc.JSON)
			}
			errs <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-errs)
	}
}

// The example shows what is sent the second time.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const version = `"7"`
		if r.Header.Get("If-None-Match") == version {
			fmt.Println("304")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Println("200")
		w.Header().Set("ETag", version)
		fmt.Fprint(w, `{"flags": {}}`)
	}))
	defer server.Close()

	endpoint := httpflags.New(server.URL, httpflags.Config{})
	for range 2 {
		doc, err := endpoint.Load(context.Background())
		fmt.Printf("%s %v\n", doc.JSON, err)
	}
	// Output:
	// 200
	// {"flags": {}} <nil>
	// 304
	// {"flags": {}} <nil>
}
