package console

import (
	"net/http"

	"github.com/handover-go/handover/flags/console/internal/view"
	"github.com/handover-go/handover/internal/adminpage"
)

// send answers, with a page if that is wanted.
func (c *Console) send(w http.ResponseWriter, asPage bool, s view.Shown) {
	code := http.StatusOK
	if p, ok := s.(*view.Problem); ok {
		code = p.Code
		for header, value := range map[string]string{"Allow": p.Allow, "WWW-Authenticate": p.Challenge} {
			if value != "" {
				w.Header().Set(header, value)
			}
		}
	}
	contentType, body := "text/html; charset=utf-8", []byte(nil)
	if asPage {
		body = view.Page(s)
	} else {
		var err error
		if body, err = view.JSON(s); err != nil {
			code, body = http.StatusInternalServerError, []byte(`{"error": "what there is cannot be written as JSON"}`+"\n")
		}
		contentType = "application/json"
	}
	adminpage.Head(w, contentType, len(body))
	w.WriteHeader(code)
	_, _ = w.Write(body) // net/http keeps it back from a HEAD
}

// redirect leads to a place relative to the one that was asked for: http.Redirect does
// not know the prefix.
func (c *Console) redirect(w http.ResponseWriter, code int, location string) {
	w.Header().Set("Location", location)
	adminpage.Head(w, "text/plain; charset=utf-8", 0)
	w.WriteHeader(code)
}
