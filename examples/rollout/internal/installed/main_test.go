package installed_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/front"
	"github.com/handover-go/handover/examples/rollout/internal/installed"
)

// runs says that this binary is a program which runs a balancer, and which.
const runs = "INSTALLED_TEST_RUNS"

func TestMain(m *testing.M) {
	if name := os.Getenv(runs); name != "" {
		os.Exit(forEver(name))
	}
	goleak.VerifyTestMain(m)
}

// forEver runs a balancer until it is killed.
func forEver(name string) int {
	f := fleet.New("nothing")
	defer f.End()
	free, err := fleet.Free(1)
	if err == nil {
		_, err = start(context.Background(), name, f, installed.Config{Listen: free[0], Dir: os.Getenv("DIR"), Watch: front.NewWatch(nil)})
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("it runs")
	select {}
}

func start(ctx context.Context, name string, f *fleet.Fleet, cfg installed.Config) (front.Carrier, error) {
	if name == "nginx" {
		return installed.StartNginx(ctx, f, cfg)
	}
	return installed.StartHAProxy(ctx, f, cfg)
}
