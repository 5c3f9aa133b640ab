package screen_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/examples/rollout/internal/screen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAHumanIsToldHowLongThereIsToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := screen.New(&out, true)
		s.Expect(30*time.Second, 20*time.Second)
		s.Status("begins")
		time.Sleep(27 * time.Second)
		s.Status("goes on")
		time.Sleep(time.Minute)
		s.Status("takes longer")
		s.Expect(2*time.Second, 0)
		time.Sleep(800 * time.Millisecond)
		fmt.Fprintln(s, "an event")
		s.Status("goes on")
		time.Sleep(time.Minute)
		s.Status("ends")
		require.Equal(t, []string{
			"begins; about 50 s left", "goes on; about 25 s left", "takes longer; about 20 s left",
			"an event", "goes on; about 1 s left", "ends; nearly done",
		}, strings.Split(strings.TrimSpace(out.String()), "\n"))
	})
}

func TestAFileIsToldTheSameWithoutIt(t *testing.T) {
	var out bytes.Buffer
	s := screen.New(&out, false)
	s.Expect(time.Hour, 0)
	s.Status("begins")
	require.Equal(t, "begins\n", out.String())
}

func TestWhatIsATerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	require.False(t, screen.IsTerminal(file))
	require.False(t, screen.IsTerminal(&bytes.Buffer{}))
}
