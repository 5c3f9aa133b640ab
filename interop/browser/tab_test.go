package browser_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience is for a machine that has much to do.
const patience = time.Minute

// tick is how often something is asked that cannot tell by itself.
const tick = 20 * time.Millisecond

// A screen is on what, and when, a page is looked at.
type screen struct {
	width, height int64
	phone, dark   bool
}

var screens = map[string]screen{
	"a desk by day":    {1280, 900, false, false},
	"a desk by night":  {1280, 900, false, true},
	"a phone by day":   {390, 844, true, false},
	"a phone by night": {390, 844, true, true},
}

// A tab is one of the browser, with nothing that another one has kept.
type tab struct {
	ctx    context.Context
	screen screen

	mu    sync.Mutex
	minds map[string]bool // what the browser itself complains of
}

func open(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium.running(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx)) // it lives as long as the context that is the first
	ctx, stop := context.WithTimeout(ctx, patience)
	t.Cleanup(stop)
	b := &tab{ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.hear))
	call(t, ctx, network.Enable, network.EnableParams{})
	call(t, ctx, log.Enable, cdp.Empty{})
	return b
}

// visit opens a page on a screen.
func (b *tab) visit(t *testing.T, s screen, url string) {
	t.Helper()
	call(t, b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: s.height, ScreenWidth: s.width, ScreenHeight: s.height, DeviceScaleFactor: 1, Mobile: s.phone,
	})
	scheme := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: map[bool]string{false: "light", true: "dark"}[s.dark]}
	call(t, b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{scheme}})
	b.mu.Lock()
	b.screen, b.minds = s, map[string]bool{}
	b.mu.Unlock()
	b.do(t, chromedp.Navigate(url))
}

func call[P, R any](t *testing.T, ctx context.Context, command cdp.Command[P, R], params P) {
	t.Helper()
	_, err := chromedp.Call(ctx, command, params)
	require.NoError(t, err)
}

// hear notes what goes wrong. It is called by the browser's own goroutine.
func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.mind("a script failed: " + e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			b.mind(fmt.Sprintf("a script says %s: %s", e.Type, e.Args[0].Value))
		}
	case *log.EventEntryAdded: // a violation of the policy is one
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.mind(fmt.Sprintf("the browser says %s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventLoadingFailed:
		b.mind("it is not loaded: " + e.ErrorText + " " + string(e.BlockedReason))
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			b.mind(fmt.Sprintf("it is not loaded: %d %s", e.Response.Status, e.Response.URL))
		}
	}
}

func (b *tab) mind(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.minds[what] = true
}

func (b *tab) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(b.ctx, actions...))
}

//go:embed look.js
var script string

// look is all that a person minds of the page that is open, who wants to see these
// elements.
func (b *tab) look(t *testing.T, sees ...string) []string {
	t.Helper()
	wanted, err := json.Marshal(append([]string{}, sees...))
	require.NoError(t, err)
	var minds []string
	b.await(t, fmt.Sprintf("(%s)(%d, %t, %s)", script, b.screen.width, b.screen.dark, wanted), &minds)
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(slices.Sorted(maps.Keys(b.minds)), minds...)
}

// await is what an expression is, once that is not null.
func (b *tab) await(t *testing.T, expression string, to any) {
	t.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]byte](expression))
		if err == nil && len(found) > 0 && string(found) != "null" {
			require.NoError(t, json.Unmarshal(found, to))
			return
		}
		if err != nil && !goes(err) {
			require.NoError(t, err)
		}
		<-ticker.C
	}
}

// goes is whether an error means that another page is about to come.
func goes(err error) bool {
	for _, said := range []string{"context was destroyed", "Cannot find default execution context", "Inspected target navigated"} {
		if strings.Contains(err.Error(), said) {
			return true
		}
	}
	return false
}

// says waits until the text of an element has this.
func (b *tab) says(t *testing.T, selector, text string) {
	t.Helper()
	var is bool
	b.await(t, fmt.Sprintf(`[...document.querySelectorAll(%q)].some(e => e.innerText.includes(%q)) || null`, selector, text), &is)
}

// shot keeps a screenshot, if anybody wants it.
func (b *tab) shot(t *testing.T) {
	t.Helper()
	dir := os.Getenv("BROWSER_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	name := strings.NewReplacer("/", "-", " ", "_").Replace(t.Name()) + ".png"
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), png, 0o600))
}

// everywhere looks at a page on each screen.
func everywhere(t *testing.T, url string, sees ...string) {
	t.Helper()
	b := open(t)
	for name, s := range screens {
		t.Run(name, func(t *testing.T) {
			b.visit(t, s, url)
			minds := b.look(t, sees...)
			b.shot(t)
			require.Empty(t, minds)
		})
	}
}
