package counts_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags/guard/internal/counts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taken is a line for each second and row in which there is something.
func taken(t counts.Taken) (lines []string) {
	for _, s := range t.Seconds {
		for row, arms := range s.Rows {
			if arms != [2]counts.Arm{} {
				lines = append(lines, fmt.Sprintf("%d row %d: new %d/%d, control %d/%d", s.At, row,
					arms[counts.New].Failed, arms[counts.New].Begun, arms[counts.Control].Failed, arms[counts.Control].Begun))
			}
		}
	}
	return lines
}

func TestAFailureFindsTheSecondInWhichItBegan(t *testing.T) {
	c := counts.Make(2, 1000)
	early := c.Begin(0, counts.New)
	c.Begin(1, counts.Control)
	require.Equal(t, []string{"1000 row 0: new 0/1, control 0/0", "1000 row 1: new 0/0, control 0/1"}, taken(c.Take(1000)))
	require.Empty(t, taken(c.Take(1001)))
	later := c.Begin(0, counts.New)
	c.Fail(0, counts.New, early)
	c.Fail(0, counts.New, later)
	require.Equal(t, []string{"1001 row 0: new 1/1, control 0/0", "1000 row 0: new 1/0, control 0/0"}, taken(c.Take(1002)))

	for second := range int64(500) { // the cells are used anew, many times
		tick := c.Begin(0, counts.Control)
		c.Fail(0, counts.Control, tick)
		require.Equal(t, []string{fmt.Sprintf("%d row 0: new 0/0, control 1/1", 1002+second)}, taken(c.Take(1003+second)))
	}
	c.Fail(0, counts.New, later)
	require.Equal(t, []string{"0 row 0: new 1/0, control 0/0"}, taken(c.Take(2000)), "that is long ago: of no second")
}

func TestAClockThatGoesBack(t *testing.T) {
	c := counts.Make(1, 1000)
	c.Take(900)
	c.Begin(0, counts.New)
	require.Equal(t, []string{"1000 row 0: new 0/1, control 0/0"}, taken(c.Take(901)))
}

func TestManyCountWithoutLossWhileSomebodyTakes(t *testing.T) {
	c := counts.Make(1, 1000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				c.Fail(0, counts.New, c.Begin(0, counts.New))
				c.End(counts.New, time.Millisecond)
			}
		})
	}
	var sum counts.Arm
	ended := uint64(0)
	take := func(second int64) {
		got := c.Take(second)
		for _, s := range got.Seconds {
			sum.Begun += s.Rows[0][counts.New].Begun
			sum.Failed += s.Rows[0][counts.New].Failed
		}
		require.LessOrEqual(t, sum.Failed, sum.Begun, "a failure has begun")
		for _, n := range got.Ended[counts.New] {
			ended += n
		}
	}
	for range 50 {
		take(1000)
	}
	all.Wait()
	take(1001)
	require.Equal(t, counts.Arm{Begun: 8000, Failed: 8000}, sum)
	require.EqualValues(t, 8000, ended)
}

func TestLatency(t *testing.T) {
	for _, d := range []time.Duration{8 * time.Microsecond, 100 * time.Microsecond, time.Millisecond, 250 * time.Millisecond, 3 * time.Second, 2 * time.Minute} {
		for _, d := range []time.Duration{d, d * 9 / 8, d * 11 / 10} {
			var buckets [counts.Buckets]uint64
			buckets[counts.Bucket(d)] = 7
			got := counts.Quantile(&buckets, 7, 0.99)
			require.InDelta(t, 1, float64(got)/float64(d), 0.126, "%v is %v", d, got)
		}
	}
	var buckets [counts.Buckets]uint64
	require.Zero(t, counts.Quantile(&buckets, 0, 0.5))
	buckets[counts.Bucket(-1)] = 99
	buckets[counts.Bucket(time.Hour)]++
	require.Equal(t, 4*time.Microsecond, counts.Quantile(&buckets, 100, 0.5))
	require.Equal(t, 4*time.Microsecond, counts.Quantile(&buckets, 100, 0.99))
	require.Greater(t, counts.Quantile(&buckets, 100, 0.995), 2*time.Minute)
}

func TestDamper(t *testing.T) {
	d := counts.NewDamper()
	require.True(t, d.First(0, "ada", 1000))
	require.False(t, d.First(0, "ada", 1000))
	require.True(t, d.First(0, "ada", 1001))
	require.False(t, d.First(0, "ada", 1000), "of a clock that goes back nothing is counted twice")

	passed := 0
	for i := range 100 {
		if d.First(0, fmt.Sprint("user-", i), 2000) {
			passed++
		}
	}
	require.Greater(t, passed, 85, "that a hundred meet is rare")
	for i := range 100_000 {
		if d.First(0, fmt.Sprint("user-", i), 3000) {
			passed++
		}
	}
	require.LessOrEqual(t, passed, 100+4096, "and more than there is memory for do not pass")
}
