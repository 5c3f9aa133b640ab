package droptest_test

import (
	"math"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest"
)

func TestMistakesInAConfig(t *testing.T) {
	v := droptest.Version{Name: "v", Command: func(droptest.Addresses) *exec.Cmd {
		t.Error("something was started")
		return nil
	}}
	tests := map[string]struct {
		cfg       droptest.Config
		old, next droptest.Version
		want      string // one mistake a line, without the package
	}{
		"kind":          {droptest.Config{Kind: "layer7"}, v, v, `Config.Kind is "layer7": use "layer4" or "proxy"`},
		"replicas":      {droptest.Config{Replicas: -1}, v, v, "Config.Replicas is -1: use 1 or more"},
		"poll":          {droptest.Config{Poll: -1}, v, v, "Config.Poll is -1ns: use 0 for 500ms, or a period"},
		"ready path":    {droptest.Config{ReadyPath: "ready"}, v, v, `Config.ReadyPath is "ready": use one that begins with /`},
		"rate":          {droptest.Config{Rate: -5}, v, v, "Config.Rate is -5: use 0 for 200, or requests per second"},
		"share":         {droptest.Config{NewShare: 1.5}, v, v, "Config.NewShare is 1.5: use a share between 0 and 1, negative for none"},
		"share NaN":     {droptest.Config{NewShare: math.NaN()}, v, v, "Config.NewShare is NaN: use a share between 0 and 1, negative for none"},
		"path":          {droptest.Config{Path: "slow"}, v, v, `Config.Path is "slow": use one that begins with /`},
		"slow path":     {droptest.Config{SlowPath: "http://x/"}, v, v, `Config.SlowPath is "http://x/": use one that begins with /`},
		"time-out":      {droptest.Config{Timeout: -1}, v, v, "Config.Timeout is -1ns: use 0 for 10s, or the time for one request"},
		"start":         {droptest.Config{StartTimeout: -1}, v, v, "Config.StartTimeout is -1ns: use 0 for 30s, or the time a process may take to be ready"},
		"kill":          {droptest.Config{KillAfter: -1}, v, v, "Config.KillAfter is -1ns: use 0 for 35s, or the time a process may take to exit"},
		"no version":    {droptest.Config{}, v, droptest.Version{Name: "v2"}, "the new Version has no Command: use a function that makes its *exec.Cmd"},
		"no name":       {droptest.Config{}, droptest.Version{Command: v.Command}, v, "the old Version has no Name: use what it sends as X-Version"},
		"several there": {droptest.Config{Rate: -1, Poll: -1}, v, droptest.Version{}, "Config.Poll is -1ns: use 0 for 500ms, or a period\nConfig.Rate is -1: use 0 for 200, or requests per second\nthe new Version has no Name: use what it sends as X-Version\nthe new Version has no Command: use a function that makes its *exec.Cmd"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := droptest.New(tt.cfg).Roll(t.Context(), tt.old, tt.next)
			require.Error(t, err)
			require.Equal(t, tt.want, strings.ReplaceAll(err.Error(), "droptest: ", ""))
		})
	}
}
