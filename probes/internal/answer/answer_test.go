package answer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes/internal/answer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatAVerdictCountsFor(t *testing.T) {
	const later = time.Minute
	tests := map[string]struct {
		verdict answer.Verdict
		lenient bool
		status  answer.Status
		reason  answer.Reason
	}{
		"a pass":                       {answer.Verdict{Until: later}, false, answer.Pass, answer.None},
		"at the moment it expires":     {answer.Verdict{Until: 0}, false, answer.Pass, answer.None},
		"a moment later":               {answer.Verdict{Until: -1}, false, answer.Fail, answer.Stale},
		"a failure":                    {answer.Verdict{Reason: answer.Failed, Until: later}, false, answer.Fail, answer.Failed},
		"one that fails open":          {answer.Verdict{Reason: answer.Failed, Open: true, Until: later}, false, answer.Warn, answer.Failed},
		"a mild one":                   {answer.Verdict{Reason: answer.Failed, Mild: true, Until: later}, false, answer.Warn, answer.Failed},
		"none yet":                     {answer.Verdict{Reason: answer.Pending, Until: later}, false, answer.Fail, answer.Pending},
		"none yet, of a mild one":      {answer.Verdict{Reason: answer.Pending, Mild: true, Until: later}, false, answer.Fail, answer.Pending},
		"none yet, where that is fine": {answer.Verdict{Reason: answer.Pending, Until: later}, true, answer.Pass, answer.Pending},
		"nothing makes up for age":     {answer.Verdict{Reason: answer.Failed, Open: true, Mild: true, Until: -1}, true, answer.Fail, answer.Stale},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			status, reason := test.verdict.At(0, test.lenient)
			require.Equal(t, test.status, status)
			require.Equal(t, test.reason, reason)
		})
	}
}

func TestAnAnswerExpiresWithTheFirstOfItsVerdicts(t *testing.T) {
	p := answer.Picture{Verdicts: []answer.Verdict{{Name: "a", Until: 5}, {Name: "b", Until: 3}, {Name: "c", Until: answer.Never}}}
	require.EqualValues(t, 3, p.Render(0).Until)
	require.EqualValues(t, 5, p.Render(4).Until, "what has expired does so once")
	require.EqualValues(t, answer.Never, p.Render(6).Until)
}

// FuzzRender makes pictures of whatever verdicts: each body is valid and short, and
// says as much as there is.
func FuzzRender(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3}, "saturated", false)
	f.Add([]byte{255, 254, 3, 77, 9, 200}, "x", true)
	f.Add([]byte(strings.Repeat("a", 400)), strings.Repeat("r", 63), true)
	f.Fuzz(func(t *testing.T, seeds []byte, code string, lenient bool) {
		if strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" || len(code) > 63 {
			return // a set takes it for "error"
		}
		p := answer.Picture{Lenient: lenient}
		for i, seed := range seeds {
			v := answer.Verdict{
				Name: strings.Repeat("n", 1+int(seed)%63), Open: seed&1 > 0, Mild: seed&2 > 0,
				Until: time.Duration(seed) - 9, Done: int(seed), Total: int(seed) % 7,
			}
			v.Reason = []answer.Reason{answer.None, answer.Pending, answer.Failed, answer.Reason(code)}[seed%4]
			if i > 0 {
				v.Parents = []int{int(seed) % i}
			}
			p.Verdicts = append(p.Verdicts, v)
		}
		a := p.Render(0)
		require.Equal(t, a.Status == answer.Fail, a.Code == http.StatusServiceUnavailable)
		for _, accept := range []string{"*/*", "application/health+json", "text/plain"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			a.Write(w, r)
			require.LessOrEqual(t, w.Body.Len(), answer.MaxBody)
			if accept != "text/plain" {
				require.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
			}
			require.Contains(t, w.Body.String(), a.Status.String())
		}
	})
}
