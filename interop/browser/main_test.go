package browser_test

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(closing{m, &chromium}, goleak.IgnoreAnyFunction(healthCheck))
}

// closing ends the browser after the tests, and before goleak looks what is left.
type closing struct {
	*testing.M
	browser *browser
}

func (c closing) Run() int {
	defer c.browser.close()
	return c.M.Run()
}

var (
	pg       = pgtest.New(pgtest.Config{})
	chromium browser
)

// A browser is one for all tests. The first that needs it starts it.
type browser struct {
	once sync.Once
	path string
	ctx  context.Context
	end  []func()
	err  error
}

// programs are what a Chromium is called. Debian's script for the headless one does not
// exec: the program itself ends when it is told to.
var programs = []string{"/usr/lib/chromium/chromium-headless-shell", "chromium-headless-shell", "/usr/lib64/chromium-browser/headless_shell", "chromium", "chromium-browser", "google-chrome"}

func (b *browser) start() {
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			b.path = path
			break
		}
	}
	if b.path == "" {
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(b.path))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses root otherwise
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b.ctx, b.end = ctx, []func(){func() { _ = chromedp.Cancel(ctx) }, cancel, stop}
	b.err = chromedp.Do(ctx)
}

func (b *browser) close() {
	for _, end := range b.end {
		end()
	}
}

// running is a context of the browser.
func (b *browser) running(t *testing.T) context.Context {
	t.Helper()
	b.once.Do(b.start)
	if b.path == "" && os.Getenv("CI") != "true" {
		t.Skip("there is no Chromium; `make chromium` installs it")
	}
	require.NotEmpty(t, b.path, "there is no Chromium; `make chromium` installs it")
	require.NoError(t, b.err)
	return b.ctx
}
