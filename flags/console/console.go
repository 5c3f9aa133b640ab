package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/handover-go/handover/flags/console/internal/view"
	"github.com/handover-go/handover/internal/adminpage"
)

// ServeHTTP answers; see the package for what there is to ask.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asPage := adminpage.Wanted(r.Header["Accept"])
	if name := bare(r); name != "" {
		c.redirect(w, http.StatusPermanentRedirect, "./"+name+"/")
		return
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/"); path {
	case "":
		c.send(w, asPage, c.list(r))
	case "explain":
		c.send(w, asPage, c.explain(w, r))
	case "kill", "unkill":
		done := c.write(w, r, path == "kill")
		if e, ok := done.(*view.Explained); ok && asPage { // so that to reload the page is not to kill once more
			c.redirect(w, http.StatusSeeOther, "explain?flag="+url.QueryEscape(e.Flag))
			return
		}
		c.send(w, asPage, done)
	default:
		c.send(w, asPage, &view.Problem{Code: http.StatusNotFound, Error: "there is no such page: there are ./, explain, kill and unkill"})
	}
}

// bare is the last part of a path to the console that lacks the slash at its end, without
// which relative links would lead elsewhere. "" if all is well.
func bare(r *http.Request) string {
	if r.URL.Path != "" {
		return ""
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return path[strings.LastIndexByte(path, '/')+1:]
}

func (c *Console) list(r *http.Request) view.Shown {
	if p := allow(r, http.MethodGet, http.MethodHead); p != nil {
		return p
	}
	return c.overview(c.client.Report())
}

func (c *Console) explain(w http.ResponseWriter, r *http.Request) view.Shown {
	if p := allow(r, http.MethodGet, http.MethodHead, http.MethodPost); p != nil {
		return p
	}
	a, p := read(w, r, "flag", "subject", "attributes")
	if p != nil {
		return p
	}
	f, p := find(c.client.Report(), a.flag)
	if p != nil {
		return p
	}
	return c.explained(f, a)
}

// write kills, or takes that back.
func (c *Console) write(w http.ResponseWriter, r *http.Request, kill bool) view.Shown {
	if p := allow(r, http.MethodPost); p != nil {
		return p
	}
	fields := []string{"flag", "who", "access_token"}
	if kill {
		fields = append(fields, "why")
	}
	a, wrong := read(w, r, fields...)
	if p := c.forbids(r, a.token); p != nil { // nothing else is said to who may not write
		c.logger().Warn("console: write refused", "path", r.URL.Path, "from", r.RemoteAddr, "err", p.Error)
		return p
	}
	if wrong != nil {
		return wrong
	}
	f, p := find(c.client.Report(), a.flag)
	if p != nil {
		return p
	}
	who := strings.TrimSpace(a.who + " from " + r.RemoteAddr)
	change := c.unkill
	if kill {
		change = c.kill
	}
	if p := change(f.Key, a.why, who); p != nil {
		return p
	}
	if f, p = find(c.client.Report(), f.Key); p != nil {
		return p
	}
	return c.explained(f, asked{})
}

func (c *Console) kill(key, why, who string) *view.Problem {
	if why == "" {
		return bad("why is missing: say why the flag is killed, as whoever finds it off will ask")
	}
	if err := c.client.Kill(key, why+" ("+who+")"); err != nil {
		return &view.Problem{Code: http.StatusNotFound, Error: err.Error()} // it has gone since it was found
	}
	return nil
}

func (c *Console) unkill(key, _, who string) *view.Problem {
	if err := c.client.Unkill(key); err != nil {
		return &view.Problem{Code: http.StatusConflict, Error: "nothing to take back: " + key + " is not killed, or was not in this process"}
	}
	c.logger().Warn("console: kill taken back", "flag", key, "who", who)
	return nil
}

func allow(r *http.Request, methods ...string) *view.Problem {
	if slices.Contains(methods, r.Method) {
		return nil
	}
	all := strings.Join(methods, ", ")
	return &view.Problem{
		Code: http.StatusMethodNotAllowed, Allow: all,
		Error: fmt.Sprintf("%s is not for this: use %s", r.Method, all),
	}
}
