package lifecycle_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/lifecycle"
)

func nothing(context.Context) error { return nil }

func TestPlan(t *testing.T) {
	stops := func(names ...string) (list []lifecycle.Component) {
		for _, name := range names {
			list = append(list, lifecycle.Component{Name: name, Stop: nothing})
		}
		return list
	}
	tests := map[string]struct {
		config lifecycle.Config
		list   func(app *lifecycle.App)
		want   []string
	}{
		"the defaults; each place may use all but the reserves, at most half of what is left": {
			list: func(app *lifecycle.App) {
				app.Add(stops("checks", "admin", "api")...)
				app.Together(stops("ready", "intake")...)
			},
			want: []string{
				"stop within 28s: grace period 30s, margin 2s, reserve 1s a place",
				"place  components     stopped by",
				"4      ready, intake  25s",
				"3      api            26.5s",
				"2      admin          27.25s",
				"1      checks         28s",
			},
		},
		"a stop time-out lets the time flow on; the slowest of a place counts, and one without a cap has all": {
			list: func(app *lifecycle.App) {
				app.Add(stops("db")...)
				app.Together(lifecycle.Component{Name: "api", Stop: nothing, StopTimeout: 10 * s}, lifecycle.Component{Name: "rpc", Stop: nothing})
				app.Together(lifecycle.Component{Name: "ready", Stop: nothing, StopTimeout: 5 * s}, lifecycle.Component{Name: "intake", Stop: nothing, StopTimeout: 8 * s})
			},
			want: []string{
				"stop within 28s: grace period 30s, margin 2s, reserve 1s a place",
				"place  components     stopped by",
				"3      ready, intake  8s",
				"2      api, rpc       27s",
				"1      db             28s",
			},
		},
		"what has nothing to stop takes no time and needs no reserve": {
			list: func(app *lifecycle.App) {
				app.Add(lifecycle.Component{Name: "migrated", Start: nothing}, lifecycle.Component{Name: "api", Run: nothing, StopTimeout: 20 * s})
				app.Add(lifecycle.Component{Name: "warm", Start: nothing})
			},
			want: []string{
				"stop within 28s: grace period 30s, margin 2s, reserve 1s a place",
				"place  components  stopped by",
				"3      warm        0s",
				"2      api         20s",
				"1      migrated    20s",
			},
		},
		"docker stop in one line": {
			config: lifecycle.Config{GracePeriod: 10 * s},
			list:   func(app *lifecycle.App) { app.Add(stops("checks", "api", "ready")...) },
			want: []string{
				"stop within 8s: grace period 10s, margin 2s, reserve 1s a place",
				"place  components  stopped by",
				"3      ready       6s",
				"2      api         7s",
				"1      checks      8s",
			},
		},
		"Nomad in one line: the margin is a fifth": {
			config: lifecycle.Config{GracePeriod: 5 * s},
			list:   func(app *lifecycle.App) { app.Add(stops("api")...) },
			want: []string{
				"stop within 4s: grace period 5s, margin 1s, reserve 1s a place",
				"place  components  stopped by",
				"1      api         4s",
			},
		},
		"a default reserve that does not fit gives way": {
			config: lifecycle.Config{GracePeriod: 5 * s},
			list:   func(app *lifecycle.App) { app.Add(stops("a", "b", "c", "d", "e")...) },
			want: []string{
				"stop within 4s: grace period 5s, margin 1s, reserve 1s a place",
				"place  components  stopped by",
				"5      e           2s",
				"4      d           3s",
				"3      c           3.5s",
				"2      b           3.75s",
				"1      a           4s",
			},
		},
		"no margin and no reserve": {
			config: lifecycle.Config{Margin: -1, Reserve: -1, StartTimeout: -1},
			list:   func(app *lifecycle.App) { app.Add(stops("db", "api")...) },
			want: []string{
				"stop within 30s: grace period 30s, margin 0s, reserve 0s a place",
				"place  components  stopped by",
				"2      api         30s",
				"1      db          30s",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			app := lifecycle.New(tt.config)
			tt.list(app)
			plan, err := app.Plan()
			require.NoError(t, err)
			require.Equal(t, tt.want, strings.Split(plan.String(), "\n"))
		})
	}
}

func TestContradictionsAreRefusedBeforeAnythingStarts(t *testing.T) {
	starts := func(name string) lifecycle.Component {
		return lifecycle.Component{Name: name, Stop: nothing, Start: func(context.Context) error {
			t.Error("started")
			return nil
		}}
	}
	list := func(components ...lifecycle.Component) func(*lifecycle.App) {
		return func(app *lifecycle.App) { app.Add(components...) }
	}
	slow := starts("slow")
	slow.StopTimeout, slow.StartTimeout = 10*s, 2*time.Minute

	tests := map[string]struct {
		config lifecycle.Config
		list   func(app *lifecycle.App)
		want   []string
	}{
		"no components": {
			list: list(),
			want: []string{"lifecycle: plan: there are no components; Add one or more"},
		},
		"Together with none": {
			list: func(app *lifecycle.App) { app.Add(starts("api")); app.Together() },
			want: []string{"lifecycle: plan: Together was called with no component; give it one or more"},
		},
		"without a name, or a blank one": {
			list: list(starts("api"), starts(""), starts(" ")),
			want: []string{
				"lifecycle: plan: a component in place 2 has no Name; give it one, for errors and logs",
				"lifecycle: plan: a component in place 3 has no Name; give it one, for errors and logs",
			},
		},
		"a name twice": {
			list: list(starts("api"), starts("db"), starts("api")),
			want: []string{"lifecycle: plan api: there are two components of this Name; rename the one in place 3"},
		},
		"a name twice in one place": {
			list: func(app *lifecycle.App) { app.Together(starts("api"), starts("api")) },
			want: []string{"lifecycle: plan api: there are two components of this Name; rename the one in place 1"},
		},
		"no function": {
			list: list(lifecycle.Component{Name: "empty"}),
			want: []string{"lifecycle: plan empty: has none of Start, Run and Stop; give it one or leave it out"},
		},
		"a negative grace period": {
			config: lifecycle.Config{GracePeriod: -1 * s},
			list:   list(starts("api")),
			want:   []string{"lifecycle: plan: GracePeriod -1s is negative; give the time from SIGTERM to SIGKILL, or 0 for 30s"},
		},
		"a margin that is all of the grace period": {
			config: lifecycle.Config{GracePeriod: 5 * s, Margin: 5 * s},
			list:   list(starts("api")),
			want:   []string{"lifecycle: plan: Margin 5s leaves nothing of the GracePeriod of 5s; lower it, or leave it 0 for at most a fifth"},
		},
		"reserves that are more than half": {
			config: lifecycle.Config{Reserve: 8 * s},
			list:   list(starts("db"), starts("jobs"), starts("api")),
			want:   []string{"lifecycle: plan: a Reserve of 8s for each of 2 places is more than half of the 28s that GracePeriod and Margin leave; lower it to 7s"},
		},
		"a reserve that overflows": {
			config: lifecycle.Config{Reserve: math.MaxInt64},
			list:   list(starts("db"), starts("jobs"), starts("api")),
			want:   []string{"lifecycle: plan: a Reserve of 2562047h47m16.854775807s for each of 2 places is more than half of the 28s that GracePeriod and Margin leave; lower it to 7s"},
		},
		"a stop time-out that cannot fit": {
			config: lifecycle.Config{GracePeriod: 10 * s, StartTimeout: -1},
			list:   list(starts("db"), slow),
			want:   []string{"lifecycle: plan slow: StopTimeout 10s does not fit: GracePeriod 10s less margin and reserves leaves 7s; lower it or raise GracePeriod"},
		},
		"a start time-out longer than the one of all": {
			list: list(slow),
			want: []string{"lifecycle: plan slow: StartTimeout 2m0s is longer than the app's of 1m0s; lower it or raise Config.StartTimeout"},
		},
		"all mistakes at once": {
			config: lifecycle.Config{GracePeriod: 10 * s},
			list:   list(starts("db"), starts("db"), lifecycle.Component{Name: "empty"}, slow),
			want: []string{
				"lifecycle: plan db: there are two components of this Name; rename the one in place 2",
				"lifecycle: plan empty: has none of Start, Run and Stop; give it one or leave it out",
				"lifecycle: plan slow: StopTimeout 10s does not fit: GracePeriod 10s less margin and reserves leaves 6s; lower it or raise GracePeriod",
				"lifecycle: plan slow: StartTimeout 2m0s is longer than the app's of 1m0s; lower it or raise Config.StartTimeout",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.config.Logger = silent
			app := lifecycle.New(tt.config)
			tt.list(app)

			err := app.Run(t.Context())
			require.Error(t, err)
			require.Equal(t, tt.want, strings.Split(err.Error(), "\n"))
			require.Equal(t, lifecycle.StateNew, app.State())
			_, planned := app.Plan()
			require.EqualError(t, planned, err.Error())
		})
	}
}

func TestAnEndlessGracePeriodIsLegal(t *testing.T) {
	app := lifecycle.New(lifecycle.Config{GracePeriod: math.MaxInt64, Margin: -1, StartTimeout: math.MaxInt64, Logger: silent})
	app.Add(
		lifecycle.Component{Name: "db", Start: nothing, Run: waits, Stop: nothing, StopTimeout: time.Hour},
		lifecycle.Component{Name: "job", Start: nothing, Run: nothing, Stop: nothing},
	)
	require.NoError(t, app.Run(t.Context()))
}
