package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/handover-go/handover/shutdown/droptest/internal/process"
)

// envBehaviour makes the test binary a process that is run by the tests.
const envBehaviour = "PROCESS_TEST_BEHAVIOUR"

type behaviour string

const (
	obedient behaviour = "exits at SIGTERM"
	stubborn behaviour = "ignores SIGTERM"
	broken   behaviour = "exits at once"
	verbose  behaviour = "writes much and exits"
	silent   behaviour = "writes nothing and ignores SIGTERM"
	parent   behaviour = "starts a silent one and exits at SIGTERM"
	starter  behaviour = "starts another with a Set, until it is killed"
)

func TestMain(m *testing.M) {
	if b := os.Getenv(envBehaviour); b != "" {
		os.Exit(behave(behaviour(b)))
	}
	goleak.VerifyTestMain(m)
}

// behave returns the exit status. What goes on says so on standard output.
func behave(b behaviour) int {
	switch b {
	case broken:
		_, _ = os.Stderr.WriteString("no database, giving up\n")
		return 3
	case verbose:
		fmt.Println("the beginning" + strings.Repeat(".", 10_000) + "the end")
		return 0
	case starter:
		set := process.New(1, false)
		if _, err := set.Start("v", command(obedient, os.Stdout)); err != nil {
			panic(err)
		}
		select {}
	case parent:
		child := self(silent)
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			panic(err)
		}
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if b != silent {
		fmt.Println("running")
	}
	for b == stubborn || b == silent {
		<-signals
	}
	<-signals
	return 0
}

func self(b behaviour) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envBehaviour+"="+string(b), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// command is for Set.Start; without an output that is left to the set.
func command(b behaviour, output *os.File) func(process.Addresses) *exec.Cmd {
	return func(process.Addresses) *exec.Cmd {
		cmd := self(b)
		if output != nil {
			cmd.Stdout = output
		}
		return cmd
	}
}
