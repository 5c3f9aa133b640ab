//go:build unix

package pgtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	prepare(cmd, s.dir)
	cmd.WaitDelay = time.Second // for what it may leave behind when ctx ends
	output, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("%s: %w\n%s", name, err, output)
	}
	return nil
}

// prepare has a command run in the server's directory, as its user, without what PG…
// variables would have it do, and where the Ctrl-C of a terminal does not reach it.
func prepare(cmd *exec.Cmd, dir string) {
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH"), "HOME=" + dir, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if uid, gid, ok := unprivileged(); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

// lastWill is what happens to a server when read finds the end of the pipe, and not
// the line that dismisses the guard.
const lastWill = `read -r _ || { "$1/pg_ctl" -D "$2/data" -m immediate -w stop; rm -rf "$2"; }`

// guard is the shell that waits for the end of this process.
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser // held; closed by the end of this process, however that comes
}

func watch(bin, dir string) (*guard, error) {
	cmd := exec.Command("/bin/sh", "-c", lastWill, "pgtest", bin, dir)
	prepare(cmd, dir)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &guard{cmd, pipe}, nil
}

// dismiss ends the guard; nil is fine.
func (g *guard) dismiss() {
	if g == nil {
		return
	}
	_, _ = io.WriteString(g.pipe, "\n") // it may have been killed
	_ = g.cmd.Wait()
}
