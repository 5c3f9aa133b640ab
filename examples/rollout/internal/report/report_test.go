package report_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/examples/rollout/internal/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func at(s float64) *time.Duration {
	d := seconds(s)
	return &d
}

// rolling is a deployment that loses three requests.
func rolling() report.Run {
	r := report.Run{
		Strategy: "rolling", Service: "complete", Naive: "Shutdown at the signal",
		Lines:    []string{"rolling: 1203 requests in 6.0 s, 3 failed\n  3 × new: refused", "p99 was <low>"},
		Requests: 1203, Failed: 3,
		Processes: []report.Process{
			{Name: "v1-1", Version: "v1", Started: seconds(-1.5), Ready: at(-.5), Signalled: at(2), Exited: at(4)},
			{Name: "v2-2", Version: "v2", Started: seconds(1), Ready: at(2)},
			{Name: "v3-3", Version: "v3", Started: seconds(3), Signalled: at(5), Exited: at(5.1)},
		},
		Marks: []report.Mark{{At: seconds(5), Text: "v3-3 signalled"}, {At: seconds(2), Text: "v1-1 signalled"}, {At: seconds(5.05), Text: "back"}},
	}
	for n := range 6 {
		r.Seconds = append(r.Seconds, report.Second{Answers: map[string]int{"v1": 200 - 40*n, "v2": 40 * n}, P99: time.Duration(n) * time.Millisecond})
	}
	r.Seconds[2].Failed = 3
	return r
}

// element is one of a document, with the text in it.
type element struct{ name, text string }

// parsed are the elements of a document, in the order in which they end. What is no XML
// fails: a page is written so that it is.
func parsed(t *testing.T, document string) (all []element) {
	t.Helper()
	var open []element
	for d := xml.NewDecoder(strings.NewReader(document)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, document)
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, element{name: token.Name.Local})
			for _, a := range token.Attr {
				requireHarmless(t, a)
			}
		case xml.CharData:
			for i := max(0, len(open)-2); i < len(open); i++ { // no text lies deeper than <li><b>
				open[i].text += string(token)
			}
		case xml.EndElement:
			all, open = append(all, open[len(open)-1]), open[:len(open)-1]
		}
	}
	require.Empty(t, open)
	for _, e := range all {
		require.NotContains(t, []string{"script", "link", "img", "image", "iframe", "object", "use", "foreignObject"}, e.name)
	}
	return all
}

func requireHarmless(t *testing.T, a xml.Attr) {
	t.Helper()
	require.False(t, strings.HasPrefix(a.Name.Local, "on"), a)
	require.NotContains(t, []string{"src", "style"}, a.Name.Local)
	if a.Name.Local == "href" {
		require.Regexp(t, `^#run-\d+$`, a.Value)
	}
	if a.Name.Local == "d" {
		require.NotRegexp(t, "NaN|Inf", a.Value)
	}
}

func texts(all []element, name string) (found []string) {
	for _, e := range all {
		if e.name == name {
			found = append(found, e.text)
		}
	}
	return found
}

func TestAPageHasEveryRun(t *testing.T) {
	clean := report.Run{Strategy: "bluegreen", Service: "complete", Requests: 1234567}
	page := report.Page([]report.Run{rolling(), clean})
	all := parsed(t, page)
	require.True(t, strings.HasPrefix(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"))
	require.Equal(t, []string{"Rolling: 3 of 1,203 requests failed", "Blue-green: 0 of 1,234,567 requests failed"}, texts(all, "h2"))
	require.Equal(t, []string{"Rolling", "Blue-green"}, texts(all, "a"), "what leads to them")
	require.Equal(t, []string{"rolling: 1203 requests in 6.0 s, 3 failed\n  3 × new: refused\np99 was <low>\n"}, texts(all, "pre"))
	require.Len(t, texts(all, "svg"), 2*2*4, "four pictures of each run, for two widths")
	require.Contains(t, texts(all, "p"), "service: complete; naive: Shutdown at the signal")
	require.Contains(t, texts(all, "p"), "service: complete")
	require.Contains(t, texts(all, "text"), "Failures (3), per second")
	require.Contains(t, texts(all, "text"), "Failures (0), per second")
	for _, version := range []string{"v1", "v2", "v3"} {
		require.Contains(t, texts(all, "text"), version, "in the legend")
		require.Contains(t, texts(all, "th"), version)
	}
	for _, row := range []string{"v1-1", "v2-2", "v3-3"} {
		require.Contains(t, texts(all, "text"), row)
	}
}

func TestStepsAreNumberedInTheOrderOfTheirTime(t *testing.T) {
	all := parsed(t, report.Page([]report.Run{rolling()}))
	require.Equal(t, []string{
		"2.0 s v1-1 signalled", "5.0 s v3-3 signalled", "5.0 s back", // and what became of the processes:
		"v1-1: started -1.5 s, ready -0.5 s, signalled 2.0 s, exited 4.0 s",
		"v2-2: started 1.0 s, ready 2.0 s, never signalled, never exited",
		"v3-3: started 3.0 s, never ready, signalled 5.0 s, exited 5.1 s",
	}, texts(all, "li"))
	counts := map[string]int{}
	for _, text := range texts(all, "text") {
		counts[text]++
	}
	require.Equal(t, 8, counts["1"], "above each picture")
	require.Equal(t, 8, counts["2–3"], "where there is no room for two, one label is for both")
	require.Zero(t, counts["3"])
}

// rows are those of the table of numbers, without its head and the table of runs.
func rows(t *testing.T, r report.Run) (found []string) {
	t.Helper()
	page := report.Page([]report.Run{r})
	_, numbers, _ := strings.Cut(page, "<details>")
	numbers, _, _ = strings.Cut(numbers, "</details>")
	for _, e := range parsed(t, strings.ReplaceAll("<details>"+numbers+"</details>", "</td>", " </td>")) {
		if e.name == "tr" && !strings.Contains(e.text, "p99") {
			found = append(found, strings.TrimSpace(e.text))
		}
	}
	return found
}

func TestWhatASecondIs(t *testing.T) {
	answers := func(all ...int) (r report.Run) {
		for _, n := range all {
			r.Seconds = append(r.Seconds, report.Second{Answers: map[string]int{"v1": n}, P99: time.Duration(n) * time.Millisecond})
		}
		return r
	}
	tests := map[string]struct {
		run    report.Run
		lasted float64
		want   []string
	}{
		"whole ones":                 {answers(200, 100), 0, []string{"0 s 200 0 200.0 ms", "1 s 100 0 100.0 ms"}},
		"nobody answers":             {answers(200, 0, 100), 3, []string{"0 s 200 0 200.0 ms", "1 s 0 0 none", "2 s 100 0 100.0 ms"}},
		"half a one counts with":     {answers(200, 200, 100), 2.5, []string{"0 s 200 0 200.0 ms", "1 s 200 0 200.0 ms"}},
		"answers after the end too":  {answers(200, 190, 5, 5), 2, []string{"0 s 200 0 200.0 ms", "1 s 200 0 190.0 ms"}},
		"all of them":                {answers(50, 50), .5, []string{"0 s 100 0 50.0 ms"}},
		"a load longer than it is":   {answers(200), 7, []string{"0 s 200 0 200.0 ms"}},
		"a load that ends before it": {answers(200), -7, []string{"0 s 200 0 200.0 ms"}},
		"none":                       {answers(), 5, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.run.Lasted = seconds(tt.lasted)
			require.Equal(t, tt.want, rows(t, tt.run))
		})
	}
	t.Run("an hour of them is drawn in steps", func(t *testing.T) {
		r := answers(make([]int, 3600)...)
		r.Seconds[17].Failed = 9
		require.Len(t, rows(t, r), 400)
		require.Equal(t, "9 s 0 1 none", rows(t, r)[1])
	})
}

func TestVersionsThatNobodyCouldTellApart(t *testing.T) {
	r := report.Run{Seconds: []report.Second{{Answers: map[string]int{"": 1}}}}
	for n := range 12 {
		r.Seconds[0].Answers[fmt.Sprintf("v%02d", n)] = 10
	}
	r.Processes = []report.Process{{Name: "v11-2", Version: "v11", Started: 2}, {Name: "v09-1", Version: "v09", Started: 1}}
	all := parsed(t, report.Page([]report.Run{r}))
	require.Equal(t, []string{
		"strategy", "requests", "failed", "how",
		"from", "v09", "v11", "v00", "v01", "v02", "v03", "v04", "v05", "others", "failed", "p99",
	}, texts(all, "th"), "who starts first comes first, and what is too much is one")
	require.Equal(t, []string{"0 s 10 10 10 10 10 10 10 10 40 0 none"}, rows(t, r))
}

func TestNothing(t *testing.T) {
	require.Contains(t, texts(parsed(t, report.Page(nil)), "p"), "There was none.")
	all := parsed(t, report.Page([]report.Run{{}}))
	require.Equal(t, []string{": 0 of 0 requests failed"}, texts(all, "h2"))
	require.Empty(t, texts(all, "li"))
	require.Empty(t, rows(t, report.Run{}))
	all = parsed(t, report.Picture(report.Run{}))
	require.Equal(t, ": 0 of 0 requests failed", texts(all, "title")[0])
}

func TestAPictureSaysWhatThePageDoes(t *testing.T) {
	picture := report.Picture(rolling())
	all := parsed(t, picture)
	require.Len(t, texts(all, "svg"), 4, "three in one")
	for _, text := range []string{
		"Rolling: 3 of 1,203 requests failed", "service: complete; naive: Shutdown at the signal",
		"v1", "v2", "v3", "Failures (3), per second", "v1-1", "v2-2", "v3-3", "starting", "ready", "signalled",
		"1", "2–3", "1 2.0 s  v1-1 signalled", "2 5.0 s  v3-3 signalled", "3 5.0 s  back",
	} {
		require.Contains(t, texts(all, "text"), text)
	}
	require.Contains(t, picture, "@media(prefers-color-scheme:dark)")
	require.Regexp(t, `<rect class="paper"`, picture, "it has a background of its own")
}

func TestAPictureLeavesTheRunAsItIs(t *testing.T) {
	r := rolling()
	report.Picture(r)
	report.Page([]report.Run{r})
	require.Equal(t, rolling(), r)
}

// hostile is larger than anybody would make one.
func hostile(text string) report.Run {
	r := report.Run{Strategy: text, Service: text, Naive: text, Lines: []string{text, text + "\n" + text}, Requests: math.MinInt, Failed: math.MaxInt}
	for n := range 300 {
		answers := map[string]int{text: math.MaxInt}
		for v := range 12 {
			answers[text+strconv.Itoa(v)] = n * v * 7919 % 211
		}
		r.Seconds = append(r.Seconds, report.Second{Answers: answers, Failed: n * 7919 % 211, P99: time.Duration(n * 7919 % 211)})
	}
	for n := range 500 {
		when := time.Duration(n) * 10 * time.Second
		r.Processes = append(r.Processes, report.Process{Name: text + strconv.Itoa(n), Version: text + strconv.Itoa(n%12), Started: when, Ready: &when, Signalled: &when, Exited: &when})
		r.Marks = append(r.Marks, report.Mark{At: when, Text: text})
	}
	return r
}

func TestTextsAreTexts(t *testing.T) {
	tests := map[string]string{
		"markup":     `</svg></title></style><script>alert("1")</script><img src='x' onerror="alert(1)">`,
		"characters": "\x00\x01\x1b[31m\x7f\u0085\ufffe\uffff\xff\xc3(",
		"lines":      "a\nb\r\nc\u2028d",
		"long":       strings.Repeat(`"'<&>`, 500),
		"templates":  `{{.}} {{define "x"}} %s %d %!`,
		"brackets":   "]]>",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			r := hostile(text)
			picture := report.Picture(r)
			all := parsed(t, picture)
			require.LessOrEqual(t, len(picture), 40_000)
			require.Contains(t, texts(all, "text"), "and 476 more steps")
			require.Len(t, texts(all, "g"), 20, "rows of processes")
			r.Seconds, r.Processes, r.Marks = r.Seconds[:30], r.Processes[:50], r.Marks[:50]
			all = parsed(t, report.Page([]report.Run{r, r}))
			require.Len(t, texts(all, "li"), 2*(50+50))
			require.Len(t, texts(all, "g"), 2*2*50)
		})
	}
}

var inside = regexp.MustCompile(`viewBox="0 0 440 (\d+)" width="440" height="(\d+)"`)

func FuzzReport(f *testing.F) {
	f.Add("rolling", 1, 0, int64(1e9), int64(2e9), int64(3e6), true)
	f.Add("</svg>", -1, math.MaxInt, int64(math.MinInt64), int64(math.MaxInt64), int64(-1), true)
	f.Add("\xff\x00", math.MinInt, 3, int64(0), int64(0), int64(0), false)
	f.Fuzz(func(t *testing.T, text string, n, failed int, from, to, p99 int64, all bool) {
		first, last := time.Duration(from), time.Duration(to)
		p := report.Process{Name: text, Version: text, Started: first, Exited: &last}
		if all {
			p.Ready, p.Signalled = &last, &first
		}
		r := report.Run{
			Strategy: text, Service: text, Naive: text, Lines: []string{text}, Requests: n, Failed: failed, Lasted: last,
			Seconds:   []report.Second{{Answers: map[string]int{text: n}, Failed: failed, P99: time.Duration(p99)}, {}},
			Processes: []report.Process{p, {}}, Marks: []report.Mark{{At: first, Text: text}, {At: last, Text: text}},
		}
		picture := report.Picture(r)
		parsed(t, picture)
		require.Regexp(t, inside, picture)
		require.LessOrEqual(t, len(picture), 40_000)
		parsed(t, report.Page([]report.Run{r, {}}))
	})
}
