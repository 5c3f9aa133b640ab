package droptest

import (
	"cmp"
	"fmt"

	"github.com/handover-go/handover/shutdown/droptest/internal/balance"
	"github.com/handover-go/handover/shutdown/droptest/internal/once"
)

// verdict is what became of a request.
type verdict struct {
	kind    string // of the failure; empty is success
	err     error
	process string // that it went to, as far as known
	version string // that answered
}

// judge asks the balancer for what the connection alone does not say.
func judge(b *balance.Balancer, answer once.Reply, d *once.Drop) verdict {
	if d != nil {
		to := b.Route(d.Local, nil)
		d.Cause = cmp.Or(to.Refused, d.Cause)
		return verdict{kind: d.Kind(), err: d.Err, process: to.Process}
	}
	to := b.Route(answer.Local, answer.Header)
	v := verdict{process: to.Process, version: answer.Header.Get("X-Version")}
	if to.Refused != "" {
		v.kind = "bad gateway: " + to.Refused
	} else if answer.Status >= 400 {
		v.kind = fmt.Sprintf("status %d", answer.Status)
	}
	return v
}
