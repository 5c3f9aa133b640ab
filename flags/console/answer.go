package console

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/handover-go/handover/flags/console/internal/view"
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
	c.head(w, contentType, len(body))
	w.WriteHeader(code)
	_, _ = w.Write(body) // net/http keeps it back from a HEAD
}

// redirect leads to a place relative to the one that was asked for: http.Redirect does
// not know the prefix.
func (c *Console) redirect(w http.ResponseWriter, code int, location string) {
	w.Header().Set("Location", location)
	c.head(w, "text/plain; charset=utf-8", 0)
	w.WriteHeader(code)
}

// head is what all answers have. The referrer stays within the site, but is not left
// out: without one, a browser says of a form that it comes from "null".
func (c *Console) head(w http.ResponseWriter, contentType string, length int) {
	for header, value := range map[string]string{
		"Content-Type":            contentType,
		"Content-Length":          strconv.Itoa(length),
		"Vary":                    "Accept",
		"Cache-Control":           "no-store",
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
		"Referrer-Policy":         "same-origin",
		"Content-Security-Policy": c.policy,
	} {
		w.Header().Set(header, value)
	}
}

// wantsPage reports whether somebody wants HTML, and wants JSON no more than that. A
// wildcard is no wish: tools send one.
func wantsPage(accept []string) bool {
	var page, data float64
	for accepted := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(accepted)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		if err != nil {
			q = 1
		}
		switch media {
		case "text/html", "application/xhtml+xml":
			page = max(page, q)
		case "application/json":
			data = max(data, q)
		}
	}
	return page > 0 && page >= data
}
