package podspec

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/handover-go/handover/probes/podspec/internal/manifest"
)

// A pod is one that the budget is for.
type pod struct {
	budget    Budget // with its defaults
	object    manifest.Object
	container manifest.Field
	probes    []probe // those that are there
	hook      hook
}

// pods finds the container of the program in each pod that has it.
func (b Budget) pods(objects []manifest.Object) ([]*pod, error) {
	var pods []*pod
	var names, others []string
	for _, o := range objects {
		containers := o.Pod.Get("containers").Items()
		if len(containers) == 0 {
			others = append(others, o.Name)
		}
		mine := false
		for _, c := range containers {
			name := c.Get("name").Text()
			names = append(names, strconv.Quote(name))
			if !mine && (b.Container == "" || b.Container == name) {
				pods, mine = append(pods, newPod(b, o, c)), true
			}
		}
	}
	switch {
	case len(pods) > 0 || len(objects) == 0:
		return pods, nil
	case len(names) > 0:
		return nil, fmt.Errorf("podspec: lint: there is no container %q, only %s: give its name as Budget.Container", b.Container, strings.Join(names, ", "))
	}
	return nil, errors.New("podspec: lint: there is no pod, only " + strings.Join(others, ", ") + ": give what has one, such as a Deployment")
}

func newPod(budget Budget, object manifest.Object, container manifest.Field) *pod {
	p := &pod{budget: budget, object: object, container: container}
	for _, kind := range []string{"startup", "liveness", "readiness"} {
		if f := container.Get(kind + "Probe"); !f.Absent() {
			p.probes = append(p.probes, probe{f, kind})
		}
	}
	p.hook = newHook(container.Get("lifecycle", "preStop"))
	return p
}

// probe returns the one of a kind, if there is one.
func (p *pod) probe(kind string) (probe, bool) {
	i := slices.IndexFunc(p.probes, func(pr probe) bool { return pr.kind == kind })
	if i < 0 {
		return probe{}, false
	}
	return p.probes[i], true
}

// ends reports whether the pod is there to end: nobody sends it traffic.
func (p *pod) ends() bool { return p.object.Kind == "Job" || p.object.Kind == "CronJob" }

func (p *pod) gracePeriod() manifest.Field { return p.object.Pod.Get("terminationGracePeriodSeconds") }

func (p *pod) grace() int64 {
	n, _ := p.gracePeriod().Number(0, 30)
	return n
}

// port makes one of the name of a port and its number: the number, if it is known.
func (p *pod) port(name string) (port string, known bool) {
	if n, err := strconv.Atoi(name); err == nil {
		return strconv.Itoa(n), true
	}
	for _, f := range p.container.Get("ports").Items() {
		if f.Get("name").Text() == name {
			return f.Get("containerPort").Text(), true
		}
	}
	return name, false
}
