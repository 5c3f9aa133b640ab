package httpflags_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/httpflags"
)

// trusting is a client of TLS servers, of which no connection stays.
func trusting(s *httptest.Server) *http.Client {
	client := s.Client()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	return client
}

func TestARedirectFromHTTPSToHTTPIsNotFollowed(t *testing.T) {
	plain, diary := serve(t, reply(http.StatusOK, "{}"))
	s := httptest.NewTLSServer(http.RedirectHandler(plain+"?secret", http.StatusFound))
	defer s.Close()
	_, err := httpflags.New(s.URL, httpflags.Config{Client: trusting(s)}).Load(t.Context())
	require.EqualError(t, err, "httpflags: load "+s.URL+
		": redirected from https to http: what comes from there could be anybody's")
	require.Empty(t, diary())
}

func TestARedirectFromHTTPToHTTPSIsFollowed(t *testing.T) {
	s := httptest.NewTLSServer(reply(http.StatusOK, "{}"))
	defer s.Close()
	plain, _ := serve(t, http.RedirectHandler(s.URL, http.StatusFound).ServeHTTP)
	doc, err := httpflags.New(plain, httpflags.Config{Client: trusting(s)}).Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, "{}", string(doc.JSON))
}

func TestAnotherHostIsNotShownTheHeaders(t *testing.T) {
	show := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("X-Api-Key"), r.Header.Get("Referer"))
	}
	other, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "[")
		show(w, r)
		fmt.Fprint(w, "]")
	})
	away, _ := serve(t, http.RedirectHandler(other, http.StatusFound).ServeHTTP)
	home, _ := serve(t, http.RedirectHandler("/there", http.StatusFound).ServeHTTP, show)

	header := http.Header{"X-Api-Key": {"secret"}}
	doc, err := httpflags.New(away+"?secret", httpflags.Config{Header: header}).Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, "[]", string(doc.JSON))

	doc, err = httpflags.New(home, httpflags.Config{Header: header}).Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, "secret", string(doc.JSON))
}

func TestTheClientsOwnRuleForRedirectsHolds(t *testing.T) {
	rawURL, diary := serve(t, reply(http.StatusFound, "", "Location: /elsewhere"))
	never := errors.New("never")
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return never },
	}
	_, err := httpflags.New(rawURL, httpflags.Config{Client: client}).Load(t.Context())
	require.ErrorIs(t, err, never)
	require.Len(t, diary(), 1)

	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	_, err = httpflags.New(rawURL, httpflags.Config{Client: client}).Load(t.Context())
	require.EqualError(t, err, "httpflags: load "+rawURL+": status 302 Found")
}
