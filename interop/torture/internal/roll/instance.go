//go:build unix

package roll

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/fleet"
)

// instance is one process of the service.
type instance struct {
	fleet.Addresses
	*fleet.Process
	signalled time.Time
}

// start starts one, and returns when the balancer has been told of it.
func (r *rollout) start(ctx context.Context) error {
	addresses, err := fleet.FreeAddresses(fmt.Sprintf("%s-%d", r.Variant.Name, len(r.instances)+1))
	if err != nil {
		return err
	}
	args := []string{
		"-addr", addresses.API, "-admin", addresses.Admin, "-version", addresses.Name,
		"-grace", r.Grace.String(), "-delay", r.Delay.String(), fmt.Sprintf("-tls=%t", r.TLS),
	}
	if r.Variant.RPC {
		args = append(args, "-grpc", addresses.RPC)
	}
	process, err := fleet.Start(r.Program, args...)
	if err != nil {
		return err
	}
	i := &instance{Addresses: addresses, Process: process}
	r.instances = append(r.instances, i)
	if err := process.Await(ctx, func() bool { return i.ready(ctx, r.Variant.RPC) }); err != nil {
		return err
	}
	r.log(time.Now(), i.Name+" joins the rotation")
	return r.balancer.Add(ctx, addresses)
}

// ready asks /readyz and whether somebody listens. The service gets no
// connection of it that would be a client's.
func (i *instance) ready(ctx context.Context, rpc bool) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.Admin+"/readyz", nil)
	if err != nil {
		return false
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // nobody reads it
	return resp.StatusCode == http.StatusOK && listens(i.API) && (!rpc || listens(i.RPC))
}

func listens(address string) bool {
	conn, err := net.Dial("tcp", address)
	return err == nil && conn.Close() == nil
}

func (i *instance) terminate(log func(time.Time, string)) error {
	i.signalled = time.Now()
	log(i.signalled, i.Name+" signalled")
	if err := i.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("roll: signal %s: %w; %s\n%s", i.Name, err, i.State(), i.Output())
	}
	return nil
}

func (i *instance) took() time.Duration { return i.Ended().Sub(i.signalled) }
