package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console/internal/view"
	"github.com/handover-go/handover/flags/internal/tree"
)

func (c *Console) overview(r flags.Report) *view.Overview {
	now := time.Now()
	o := &view.Overview{
		Version: r.Version, Origin: r.Origin.String(), Stale: r.Stale, Frozen: r.Frozen,
		Writable: c.cfg.Writable, Errors: texts(r.Err), DroppedExposures: r.Dropped, Flags: []view.Flag{},
	}
	if !r.Confirmed.IsZero() {
		confirmed := r.Confirmed.UTC()
		o.Confirmed, o.Age = &confirmed, view.Age(now.Sub(r.Confirmed))
	}
	for _, f := range r.Flags {
		o.Flags = append(o.Flags, flagOf(f, now))
	}
	return o
}

func (c *Console) explained(f flags.FlagReport, a asked) *view.Explained {
	d := c.client.Explain(f.Key, flags.Subject{Key: a.Subject, Attributes: a.Attributes})
	e := &view.Explained{
		Flag: f.Key, Default: d.Variant == "" && d.Value == nil, Value: d.Value, Variant: d.Variant,
		Reason: d.Reason.String(), Code: d.Code.String(), Rule: d.Rule, NoKey: d.NoKey, Version: d.Version, Killed: f.Killed,
		Of: flagOf(f, time.Now()), Asked: a.Asked, Form: view.Form{Writable: c.cfg.Writable, Token: c.cfg.Token != "", MaxText: maxText},
	}
	if d.Age > 0 {
		e.Age = view.Age(d.Age)
	}
	return e
}

func flagOf(f flags.FlagReport, now time.Time) view.Flag {
	v := view.Flag{
		Key: f.Key, Type: f.Type, Declared: f.Declared, Defined: f.Defined, Disabled: f.Disabled, Killed: f.Killed,
		Problem: f.Problem.String(), Owner: f.About.Owner, Expires: f.About.Expires, NoKey: f.NoKey, Unpinned: f.Unpinned,
	}
	v.Expired = v.Expires != "" && now.Format(time.DateOnly) >= v.Expires // on that day it should be gone
	for _, a := range f.Answers {
		v.Answers = append(v.Answers, view.Answers{Variant: a.Variant, Reason: a.Reason.String(), Count: a.Count})
	}
	return v
}

// texts are the errors that were joined.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	var all []string
	for _, e := range joined.Unwrap() {
		all = append(all, texts(e)...)
	}
	return all
}

// find is the flag that is asked for.
func find(report flags.Report, key string) (flags.FlagReport, *view.Problem) {
	if key == "" {
		return flags.FlagReport{}, bad("flag is missing: give the key of one")
	}
	i := slices.IndexFunc(report.Flags, func(f flags.FlagReport) bool { return f.Key == key })
	if i < 0 {
		return flags.FlagReport{}, &view.Problem{Code: http.StatusNotFound, Error: fmt.Sprintf("there is no flag %q", key), Near: near(report, key)}
	}
	return report.Flags[i], nil
}

// mostNear is how many names a person looks through.
const mostNear = 5

// near are the flags that may have been meant by a key: it is a slip of the pen away
// from them, or a part of them.
func near(report flags.Report, key string) []string {
	var all, found []string
	for _, f := range report.Flags {
		all = append(all, f.Key)
	}
	for some := range slices.Chunk(all, 100) { // Nearest looks at no more
		if name := tree.Nearest(key, some); name != "" {
			found = append(found, name)
		}
	}
	for _, name := range all {
		if len(key) > 2 && strings.Contains(strings.ToLower(name), strings.ToLower(key)) && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found[:min(len(found), mostNear)]
}
