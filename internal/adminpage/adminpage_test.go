package adminpage_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/adminpage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhoGetsAPage(t *testing.T) {
	for accept, page := range map[string]bool{
		"":                                  false,
		"*/*":                               false,
		"application/json":                  false,
		"text/html":                         true,
		"TEXT/HTML; charset=utf-8":          true,
		"application/json, text/html":       true,
		"application/json, text/html;q=0.9": false,
		"text/html;q=0":                     false,
		";;, text/html":                     true,
	} {
		require.Equal(t, page, adminpage.Wanted([]string{accept}), accept)
	}
}

func TestWhatIsWrittenIsEscaped(t *testing.T) {
	var p adminpage.Page
	p.Begin("<title>", 5)
	p.Put(`<p class="%s">%s</p>`, `"><script>`, "a & b %s")
	page := string(p.End())
	require.Contains(t, page, `<meta http-equiv="refresh" content="5"><title>&lt;title&gt;</title>`)
	require.Contains(t, page, `<p class="&#34;&gt;&lt;script&gt;">a &amp; b %s</p>`)
	require.NotContains(t, page, "<script>")
}

func TestThePolicyIsOfTheStyle(t *testing.T) {
	var p adminpage.Page
	p.Begin("", 0)
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindSubmatch(p.End())[1]
	sum := sha256.Sum256(style)
	w := httptest.NewRecorder()
	adminpage.Head(w, "text/html", 7)
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; ")
	require.Equal(t, "7", w.Header().Get("Content-Length"))
}
