package browser_test

import (
	"net/http/httptest"
	"testing"

	"github.com/handover-go/handover/interop/browser/pgpages"
)

func TestARampUnderWay(t *testing.T) {
	t.Parallel()
	chromium.running(t)
	server := httptest.NewServer(pgpages.Ramp(t, pg.Database(t)))
	t.Cleanup(server.Close)
	everywhere(t, server.URL, "h1", "h2", "meter", "svg", ".warn", "tr td")
}

func TestAChangeBetweenTwoStages(t *testing.T) {
	t.Parallel()
	chromium.running(t)
	server := httptest.NewServer(pgpages.Change(t, pg.Database(t)))
	t.Cleanup(server.Close)
	everywhere(t, server.URL, "h1", "h2", "tr td", ".bad", ".good", ".warn")
}
