package detail_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes/internal/detail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestATimeHasThreeDigits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                          "0s",
		999:                        "999ns",
		1234567:                    "1.23ms",
		12345678901:                "12.3s",
		3*time.Hour + 1234567:      "3h0m0s",
		1<<63 - 1:                  "2561111h6m40s",
		-1500 * time.Millisecond:   "-1.5s",
		-time.Duration(1<<63 - 99): "-2562047h47m16.854775709s",
	} {
		require.Equal(t, want, detail.Time(d).String())
	}
}
