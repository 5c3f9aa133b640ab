package probes

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/handover-go/handover/probes/internal/detail"
)

// AdminHandler serves the same paths for people, with what the public must not
// read: the text of errors. Put it where only they can reach it, and never under
// the address that a platform probes: with ?exclude= anybody turns a failure into
// a success.
//
//	/               a page to look at
//	/readyz         the endpoint, with errors, durations and ages, as JSON
//	/readyz/db      one check of it
//	/readyz?exclude=db&exclude=disk   as if there were no such checks
//
// and so for /startupz, /livez and /healthz. The status is 200 or 503 as ever. A
// check that is not there is 404, or, in exclude, listed as unknown. It runs no
// check.
func (s *Set) AdminHandler() http.Handler { return http.HandlerFunc(s.serveAdmin) }

func (s *Set) serveAdmin(w http.ResponseWriter, r *http.Request) {
	path, name, one := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	kind := kindOf("/" + path)
	if kind == 0 && r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	if !reads(w, r) {
		return
	}
	report := s.Report()
	switch {
	case kind == 0:
		send(w, http.StatusOK, "text/html; charset=utf-8", detail.Page(report.detail()))
	case one:
		c, there := report.endpoint(kind, nil).Checks[name]
		if !there {
			http.NotFound(w, r)
			return
		}
		send(w, code(c.Status), "application/json", detail.JSON(c))
	default:
		exclude := r.URL.Query()["exclude"]
		e := report.endpoint(kind, exclude)
		if len(exclude) == 0 {
			s.Observe(kind, r, e.Status != Fail.String())
		}
		send(w, code(e.Status), "application/json", detail.JSON(e))
	}
}

func code(status string) int {
	if status == Fail.String() {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func send(w http.ResponseWriter, code int, contentType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

// detail is the report as a person sees it.
func (r Report) detail() detail.Report {
	var d detail.Report
	for _, e := range r.Endpoints {
		d.Endpoints = append(d.Endpoints, r.endpoint(e.Kind, nil))
	}
	for _, a := range r.Asked {
		d.Asked = append(d.Asked, detail.Asked{Agent: a.Agent, Kind: a.Kind.String(), OK: a.OK, N: a.N, Ago: detail.Time(a.Ago)})
	}
	return d
}

// endpoint is one of them, as if what is excluded were not there.
func (r Report) endpoint(kind Kind, exclude []string) detail.Endpoint {
	d := detail.Endpoint{
		Kind: kind.String(), Reason: r.Endpoints[kind-Startup].Reason,
		Checks: map[string]detail.Check{}, Unknown: slices.Clone(exclude),
	}
	status := Pass
	if d.Reason != "" {
		status = Fail
	}
	for i, c := range r.Checks {
		if c.Kind != kind {
			continue
		}
		if slices.Contains(exclude, c.Name) {
			d.Excluded = append(d.Excluded, c.Name)
			d.Unknown = slices.DeleteFunc(d.Unknown, func(name string) bool { return name == c.Name })
			continue
		}
		status = max(status, c.Status)
		d.Checks[c.Name] = c.detail(i)
	}
	d.Status = status.String()
	return d
}

func (r CheckReport) detail(order int) detail.Check {
	d := detail.Check{
		Order: order, Status: r.Status.String(), Reason: r.Reason, Scope: r.Scope.String(), Impact: r.Impact.String(),
		FailsOpen: r.FailsOpen, DependsOn: r.DependsOn, Done: r.Done, Total: r.Total,
		Since: detail.Time(r.Since), Age: detail.Time(r.Age), Took: detail.Time(r.Last), InFlight: detail.Time(r.InFlight),
		Runs: map[string]int64{},
	}
	if r.Err != nil {
		d.Error = fmt.Sprint(r.Err) // an error that is a nil pointer may panic
	}
	for result, n := range r.Runs {
		d.Runs[string(result)] = n
	}
	return d
}
