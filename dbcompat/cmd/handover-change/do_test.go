package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/internal/pgtest"
)

// A step is a command, and what comes of it.
type step struct {
	command string
	code    int
	says    []string // on either output
}

func TestAChangeIsWalkedFromAShell(t *testing.T) {
	url, pool := begun(t)
	ch, leave := member(t, pool, change.Config{Name: "web-1", Version: "v1", Poll: 10 * time.Millisecond})
	follow(t, url, []step{
		{"status", 0, []string{"users-name: users (name) -> (display_name)", "old, epoch 1, settled since", "web-1", "old to new"}},
		{"instances", 0, []string{"INSTANCE", "web-1"}},
		{"plan", 0, []string{"advance to dual-write", "it can be done"}},
		{"contract hide", 1, []string{"the change is at old: advance to new, and wait"}},
		{"backfill", 1, []string{"advance to dual-write first"}},
		{"rollback", 1, []string{"it is at old, and there is no stage beyond"}},
		{"advance read-new", 1, []string{"to read-new is not one step that way"}},
		{"advance -wait", 0, []string{"dual-write, epoch 2, settled since"}},
		{"advance dual-write -wait", 0, []string{"dual-write, epoch 2"}}, // nothing, the second time
		{"advance", 1, []string{"not yet:\n\tthe verification is not there"}},
		{"plan", 1, []string{"not   the verification is not there"}},
		{"verify", 1, []string{"200 rows, 200 mismatches; at dual-write"}},
		{"backfill", 0, []string{"[##############################] 100.0 %  done  200 of 200 rows, 200 changed"}},
		{"backfill pause", 1, []string{"there is no run under way"}},
		{"verify -batch 30", 0, []string{"200 rows, 0 mismatches; at dual-write"}},
		{"status", 0, []string{"back-fill", "100.0 %", "verified", "0 mismatches"}},
		{"declare reader reports", 0, []string{"declared", "reader reports, not seen"}},
		{"advance -wait read-new", 0, []string{"read-new, epoch 3"}},
		{"advance -wait new", 1, []string{"the declared reader reports reads the old columns"}},
		{"withdraw reader reports", 0, nil},
		{"rollback -wait", 0, []string{"dual-write, epoch 4"}},
		{"verify", 0, nil},
		{"advance -wait read-new", 0, nil},
		{"advance -wait new", 0, []string{"new, epoch 6"}},
		{"contract hide", 1, []string{"web-1 (v1) has code for the old columns"}},
	})
	require.Equal(t, dbcompat.New, ch.Status().Stage)
	leave()

	_, leave = member(t, pool, change.Config{Name: "web-2", Version: "v2", Min: dbcompat.New})
	follow(t, url, []step{
		{"contract hide", 0, []string{"hidden"}},
		{"plan", 1, []string{"drop: the old columns are gone, for good", "wait for another 2"}},
		{"contract drop", 1, []string{"have been hidden for"}},
		{"contract show", 0, nil},
		{"contract hide", 0, nil},
		{"contract drop -quiet -1s", 0, []string{"dropped"}},
		{"plan", 0, nil},
		{"events -n 4", 0, []string{"dropped at new", "hidden at new", "shown at new"}},
		{"delete", 1, []string{"web-2 (v2) has joined it"}},
	})
	leave()
	follow(t, url, []step{
		{"delete", 0, []string{"users-name is deleted"}},
		{"status", 2, []string{"there is no such change"}},
	})
}

// follow runs them one after the other.
func follow(t *testing.T, url string, steps []step) {
	t.Helper()
	for _, s := range steps {
		code, out, errs := told(t.Context(), append(strings.Fields(s.command), "-change", "users-name", "-database", url)...)
		require.Equal(t, s.code, code, "%s: %s%s", s.command, out, errs)
		for _, want := range s.says {
			require.Contains(t, out+errs, want, s.command)
		}
	}
}

func member(t *testing.T, pool *pgxpool.Pool, config change.Config) (*change.Change, func()) {
	t.Helper()
	columns := dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"}}
	c := change.New(pool, "users-name", columns, config)
	require.NoError(t, c.Join(t.Context()))
	require.NoError(t, c.Check(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	return c, func() {
		require.NoError(t, c.Leave(t.Context()))
		stop()
		require.NoError(t, <-ran)
	}
}

func TestItSaysWhoIsWaitedFor(t *testing.T) {
	url, pool := begun(t)
	join(t, pool, "web-1")
	join(t, pool, "web-2")
	cmd, errs, out := process(t, url, "advance", "-wait", "dual-write", "-change", "users-name")
	lines := bufio.NewReader(errs)
	said := func(want string) {
		for { // the record of the move is there as well
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			if strings.HasPrefix(line, "waits for ") {
				require.Contains(t, line, want)
				return
			}
		}
	}
	said("waits for web-1 (v1), web-2 (v1)\n")
	execute(t, pool, acknowledge+" AND i.name = 'web-2'")
	said("waits for web-1 (v1), which has not acknowledged dual-write")
	execute(t, pool, acknowledge)
	code, rest := ends(t, cmd, lines)
	require.Zero(t, code, rest)
	require.Contains(t, out.String(), "dual-write, epoch 2, settled since")
}

func TestAWaitThatHasAnEnd(t *testing.T) {
	url, pool := begun(t)
	join(t, pool, "web-1")
	code, _, errs := told(t.Context(), "advance", "-change", "users-name", "-database", url)
	require.Zero(t, code, errs)
	code, out, errs := ran(t, url, "wait", "-timeout", "10ms", "-change", "users-name")
	require.Equal(t, exitRefused, code, errs)
	require.Contains(t, errs, "context deadline exceeded")
	require.Empty(t, out)

	cmd, stderr, stdout := process(t, url, "wait", "-json", "-change", "users-name")
	lines := bufio.NewReader(stderr)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "waits for web-1 (v1), which ")
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	code, errs = ends(t, cmd, lines)
	require.Equal(t, exitInterrupted, code)
	require.Contains(t, errs, "interrupted: the same command goes on from here\n")
	var refusal struct {
		Error   string         `json:"error"`
		Missing []walk.Missing `json:"missing"`
	}
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &refusal))
	require.Contains(t, refusal.Error, "context canceled")
	require.Equal(t, "web-1 (v1)", refusal.Missing[0].Who)

	code, out, _ = ran(t, url, "status", "-change", "users-name")
	require.Equal(t, exitRefused, code)
	require.Contains(t, out, "dual-write, epoch 2, not settled: it waits for web-1 (v1)")
	execute(t, pool, acknowledge)
	_, out, _ = ran(t, url, "status", "-change", "users-name")
	require.Contains(t, out, "each instance has acknowledged it: wait notes that")
	code, out, errs = ran(t, url, "wait", "-json", "-change", "users-name")
	require.Zero(t, code, errs)
	var state walk.State
	require.NoError(t, json.Unmarshal([]byte(out), &state))
	require.False(t, state.Settled.IsZero())
	require.Equal(t, dbcompat.DualWrite, state.Stage)
}

func TestABackfillGoesOnAfterCtrlC(t *testing.T) {
	url, pool := begun(t)
	code, _, errs := told(t.Context(), "advance", "-change", "users-name", "-database", url)
	require.Zero(t, code, errs)
	w := walk.New(pool, "users-name", walk.Config{})
	cmd, stderr, _ := process(t, url, "backfill", "-change", "users-name", "-rate", "10", "-batch", "5", "-most", "5")
	require.Eventually(t, func() bool {
		s, err := w.State(t.Context())
		return err == nil && s.Fill.Changed >= 5
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	code, said := ends(t, cmd, stderr)
	require.Equal(t, exitInterrupted, code, said)
	require.Contains(t, said, "interrupted: the same command goes on from here\n")
	s, err := w.State(t.Context())
	require.NoError(t, err)
	require.Less(t, s.Fill.Rows, int64(200))

	code, out, said := ran(t, url, "backfill", "-change", "users-name", "-json")
	require.Zero(t, code, said)
	var fill walk.Fill
	require.NoError(t, json.Unmarshal([]byte(out), &fill))
	require.Equal(t, int64(200), fill.Rows)
	require.Equal(t, s.Fill.Began.UTC(), fill.Began.UTC(), "it is the same run")
}

// The database is away in the middle: that is no refusal.
func TestADatabaseThatGoesAway(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	pool, err := pgxpool.New(t.Context(), server.URL())
	require.NoError(t, err)
	defer pool.Close()
	execute(t, pool, users)
	follow(t, server.URL(), []step{
		{"migrate", 0, nil},
		{"create -table users -old name -new display_name -fence", 0, []string{"old, epoch 1", "writers of a stage that is gone are refused"}},
	})
	join(t, pool, "web-1")
	cmd, errs, _ := process(t, server.URL(), "advance", "-wait", "-change", "users-name")
	lines := bufio.NewReader(errs)
	for line := ""; !strings.HasPrefix(line, "waits for web-1"); {
		line, err = lines.ReadString('\n')
		require.NoError(t, err)
	}
	require.NoError(t, server.Kill(t.Context()))
	code, said := ends(t, cmd, lines)
	require.Equal(t, exitWrong, code, said)
	require.Contains(t, said, "walk: wait for users-name: ")
}
