package rampconsole_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/rampconsole"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a member that says what a test wants.
type told func() ramp.Status

func (t told) Status() ramp.Status { return t() }

// changing is one that says something else later.
type changing struct {
	mu     sync.Mutex
	status ramp.Status
}

func (c *changing) Status() ramp.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Ramps = slices.Clone(s.Ramps)
	return s
}

func (c *changing) set(change func(*ramp.Status)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.status)
}

func (c *changing) is(state ramp.State) {
	c.set(func(s *ramp.Status) { s.Ramps[0].State, s.Ramps[0].Killed = state, state == ramp.Stopped })
}

func console(t *testing.T, member rampconsole.Member) *rampconsole.Console {
	t.Helper()
	c, err := rampconsole.New(member, rampconsole.Config{})
	require.NoError(t, err)
	return c
}

// got is what somebody sees who accepts this.
func got(c http.Handler, method, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/ramps/", http.NoBody)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func viewOf(t *testing.T, c http.Handler) (v rampconsole.View) {
	t.Helper()
	require.NoError(t, json.Unmarshal(got(c, http.MethodGet, "*/*").Body.Bytes(), &v))
	return v
}

func verdict(state guard.State, requests, failures uint64, evidence float64) ramp.Guarded {
	return ramp.Guarded{Verdict: guard.Verdict{
		State: state, Why: "because", Step: requests, Least: 100,
		Metrics: []guard.Metric{{
			Name: "errors", Bound: 0.01, Evidence: evidence, Threshold: 1000,
			New: guard.Arm{Requests: requests, Failures: failures}, Control: guard.Arm{Requests: 900, Failures: 1},
		}, {Name: "untested"}},
		New: guard.Latency{Ended: requests, P50: 2 * time.Millisecond, P99: time.Duration(requests) * time.Millisecond}, Control: guard.Latency{Ended: 900},
	}}
}

func running() ramp.Status {
	five := 5.0
	return ramp.Status{
		ID: "web-1", Leader: "web-2", Met: time.Unix(1000, 0), Instances: []ramp.Instance{{ID: "web-1", Version: "4f1c"}, {ID: "web-2", Version: "9a0b", Stale: true}},
		Ramps: []ramp.Progress{{
			Key: "new-checkout", State: ramp.Running, Share: 5, Next: 20, Since: time.Unix(900, 0), Left: 90 * time.Second, Why: "step 1 of 4",
			Waiting: []string{"it bakes for 1m30s", "web-2 has stale flags"},
			Verdicts: map[string]ramp.Guarded{
				"web-1": verdict(guard.Holding, 30, 2, 12), "web-2": verdict(guard.Passing, 500, 1, 0.5), "all together": verdict(guard.Passing, 530, 3, 77),
			},
			History: []ramp.Entry{{At: time.Unix(900, 0), Who: "ramp of web-2", Why: "step 1 of 4", State: ramp.Running, Share: &five}},
		}},
	}
}

func TestJSONHasWhatTheMemberKnows(t *testing.T) {
	v := viewOf(t, console(t, told(running)))
	require.Equal(t, []string{"web-1", "web-2"}, []string{v.ID, v.Leader})
	require.Equal(t, []rampconsole.Instance{{ID: "web-1", Version: "4f1c"}, {ID: "web-2", Version: "9a0b", Stale: true}}, v.Instances)
	require.Len(t, v.Ramps, 1)
	r := v.Ramps[0]
	require.Equal(t, []any{"new-checkout", "running", 5.0, 20.0, 90.0}, []any{r.Flag, r.State, r.Share, r.Next, r.Left})
	require.Equal(t, []string{"it bakes for 1m30s", "web-2 has stale flags"}, r.Waiting)
	require.Equal(t, []rampconsole.Arm{
		{Name: "new", Share: 5, Requests: 530, P50: 2, P99: 500, Failures: map[string]rampconsole.Counts{"errors": {Requests: 530, Failures: 3}, "untested": {}}},
		{Name: "control", Share: 95, Requests: 1800, Failures: map[string]rampconsole.Counts{"errors": {Requests: 1800, Failures: 2}, "untested": {}}},
	}, r.Arms, "what all have together is theirs, and is not counted twice")
	require.Equal(t, []string{"all together", "web-1", "web-2"}, []string{r.Guards[0].Of, r.Guards[1].Of, r.Guards[2].Of})
	require.Equal(t, "holding", r.Guards[1].State)
	require.Equal(t, "ramp of web-2", r.Changes[0].Who)
	require.Empty(t, r.Points, "nobody has run it")
}

func TestNumbersThatAreNoneAreStillJSON(t *testing.T) {
	for _, evidence := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
		v := viewOf(t, console(t, told(func() ramp.Status {
			return ramp.Status{Ramps: []ramp.Progress{{Key: "k", Share: evidence, Verdicts: map[string]ramp.Guarded{"a": verdict(guard.Holding, 1, 0, evidence)}}}}
		})))
		require.Equal(t, "k", v.Ramps[0].Flag)
	}
}

func TestThePageIsForBrowsersAndNothingIsChanged(t *testing.T) {
	c := console(t, told(running))
	page := got(c, http.MethodGet, browser)
	require.Equal(t, "text/html; charset=utf-8", page.Header().Get("Content-Type"))
	for _, said := range []string{
		"<b>web-2</b> leads. This is web-1.", "running, at 5 %", "next 20 %", "Waits: web-2 has stale flags",
		`<meter min="0" max="100" value="5">`, `<meter min="0" max="100" value="95">`, "errors 3 of 530 (0.566 %)", "500 ms", "errors 12 of 1000", "stale</td>",
	} {
		require.Contains(t, page.Body.String(), said)
	}
	require.NotContains(t, page.Body.String(), "<svg", "there is nothing to draw yet")
	require.Equal(t, "application/json", got(c, http.MethodGet, "").Header().Get("Content-Type"))
	require.Equal(t, "application/json", got(c, http.MethodGet, "application/json, text/html;q=0.5").Header().Get("Content-Type"))
	require.Equal(t, 200, got(c, http.MethodHead, browser).Code)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		w := got(c, method, browser)
		require.Equal(t, []any{405, "GET, HEAD"}, []any{w.Code, w.Header().Get("Allow")})
	}
	require.Contains(t, page.Header().Get("Content-Security-Policy"), "default-src 'none'")
}

// elements are those of a page, with their attributes.
func elements(t *testing.T, page string) []string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	found := map[string]bool{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return slices.Sorted(maps.Keys(found))
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			found[e.Name.Local] = true
			for _, a := range e.Attr {
				require.NotContains(t, []string{"src", "href", "style", "onload", "onerror"}, a.Name.Local)
			}
		}
	}
}

// Whatever has a name of somebody's choosing has one that would be a script.
func TestATextIsNeverMarkup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const evil = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`
		status := func() ramp.Status {
			g := verdict(guard.Tripped, 1, 1, 1e300)
			g.Why, g.Metrics[0].Name = evil, evil
			return ramp.Status{
				ID: evil, Leader: evil, Err: errors.New(evil), Instances: []ramp.Instance{{ID: evil, Version: evil}},
				Ramps: []ramp.Progress{{
					Key: evil, State: evil, Why: evil, Waiting: []string{evil}, Verdicts: map[string]ramp.Guarded{evil: g},
					History: []ramp.Entry{{Who: evil, Why: evil, State: evil}},
				}},
			}
		}
		c := console(t, told(status))
		stop := runs(t, c)
		time.Sleep(3 * time.Second)
		page := got(c, http.MethodGet, browser).Body.String()
		stop()
		require.Subset(t, []string{
			"b", "body", "div", "h1", "h2", "h3", "head", "html", "meta", "meter", "p", "path", "span", "style", "svg", "table", "td", "text", "th", "title", "tr",
		}, elements(t, page))
		require.Contains(t, page, "&lt;script&gt;alert(1)")
		require.Equal(t, 4, strings.Count(page, "<svg"), "two, for a desk and for a phone")
	})
}

// runs runs a console until the returned function is called.
func runs(t *testing.T, c *rampconsole.Console) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

func TestTheEvidenceIsDrawnOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member := &changing{status: running()}
		c := console(t, member)
		stop := runs(t, c)
		time.Sleep(2500 * time.Millisecond)
		require.ErrorContains(t, c.Run(t.Context()), "it is running already")
		member.is(ramp.Stopped)
		time.Sleep(time.Second)
		points := viewOf(t, c).Ramps[0].Points
		require.Len(t, points, 4)
		require.Equal(t, []float64{5, 5, 5, 0}, []float64{points[0].Share, points[1].Share, points[2].Share, points[3].Share})
		require.Equal(t, map[string]float64{"errors": 77}, points[0].Evidence)
		require.EqualValues(t, 1000, points[0].Needed)
		page := got(c, http.MethodGet, browser).Body.String()
		require.Contains(t, page, "Evidence, that a bound is broken, at the end: threshold 1000; errors 77")

		time.Sleep(time.Hour)
		require.Len(t, viewOf(t, c).Ramps[0].Points, 64, "a minute after its end it is over")
		member.is(ramp.Running)
		time.Sleep(time.Second)
		require.Len(t, viewOf(t, c).Ramps[0].Points, 1, "it has begun anew")
		stop()
		stop = runs(t, c) // once more
		synctest.Wait()
		stop()
	})
}

func TestThePastIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member := &changing{status: running()}
		c := console(t, member)
		stop := runs(t, c)
		began := time.Now()
		time.Sleep(3*time.Hour + time.Millisecond)
		points := viewOf(t, c).Ramps[0].Points
		require.LessOrEqual(t, len(points), 600)
		require.Greater(t, len(points), 300)
		require.Equal(t, began.UTC(), points[0].At.UTC(), "the beginning is kept")
		require.Less(t, time.Since(points[len(points)-1].At), time.Minute)
		gap := points[1].At.Sub(points[0].At)
		for i := range points[1:] {
			require.Equal(t, gap, points[i+1].At.Sub(points[i].At), "they are equally far from each other")
		}

		member.set(func(s *ramp.Status) {
			one := s.Ramps[0]
			s.Ramps = nil
			for i := range 150 {
				one.Key = fmt.Sprint(i)
				s.Ramps = append(s.Ramps, one)
			}
		})
		time.Sleep(2 * time.Second)
		drawn := 0
		for _, r := range viewOf(t, c).Ramps {
			drawn += min(1, len(r.Points))
		}
		require.LessOrEqual(t, drawn, 100)
		stop()
	})
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for name, member := range map[string]rampconsole.Member{"nil": nil, "a nil member": (*ramp.Member)(nil)} {
		t.Run(name, func(t *testing.T) {
			_, err := rampconsole.New(member, rampconsole.Config{Every: -1})
			require.ErrorContains(t, err, "no member: give the one of ramp.New")
			require.ErrorContains(t, err, "Config.Every is -1ns")
		})
	}
}

func TestAMemberThatHasNotStarted(t *testing.T) {
	silent := slog.New(slog.DiscardHandler)
	flag := flags.Bool("new-checkout", false)
	client := flags.New(flags.Static(`{"flags": {}}`), flags.Config{Logger: silent}, flag)
	c := console(t, ramp.New(client, nil, ramp.Config{ID: "me", Logger: silent}, ramp.Plan{Flag: flag}))
	page := got(c, http.MethodGet, browser).Body.String()
	require.Contains(t, page, "Nobody leads: me has not met a store.")
	require.Contains(t, page, "No guard.")
	require.Contains(t, page, "not begun, at 0 %")
	require.Contains(t, got(console(t, told(func() ramp.Status { return ramp.Status{} })), http.MethodGet, browser).Body.String(), "No ramps.")
}
