//go:build unix

package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/balance"
	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/load"
)

type options struct {
	variants  []fleet.Variant
	balancers []balance.Kind
	protocols []string
	lags      []time.Duration
	rates     []int
	restarts  int
	streams   int
	grace     time.Duration
	delay     time.Duration
	tls       []bool // in turn, with the balancers that let it pass
	json      bool
	verbose   bool
}

// variants lists all, in the order of the table: ours, then the field's.
func variants() []fleet.Variant {
	own := func(name string, ours bool) fleet.Variant {
		return fleet.Variant{Name: name, Package: "service/" + name, RPC: true, Ours: ours}
	}
	peer := func(name string, rpc bool) fleet.Variant {
		return fleet.Variant{Name: name, Package: "peers/" + name, RPC: rpc}
	}
	return []fleet.Variant{
		own("handover", true), own("mounted", true), own("naive", false), own("unhandled", false),
		peer("handwritten", false), peer("fxhook", false), peer("dskitserver", true), peer("ctrlruntime", false),
		peer("orygraceful", false), peer("knativedrainer", false),
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("torture", flag.ExitOnError)
	chosen := flags.String("variants", "", "`names`, with commas: "+names(variants(), func(v fleet.Variant) string { return v.Name })+"; default all")
	kinds := flags.String("balancers", "", "`names`: "+names(balance.Kinds(), func(k balance.Kind) string { return k.Name })+"; default all")
	protocols := flags.String("protocols", "", "`names`: "+strings.Join(load.Protocols(), ", ")+"; default all")
	lags := flags.String("lag", "0s,1s,3s", "`times` from SIGTERM until the balancer is told")
	rates := flags.String("rate", "200,600", "plain `requests` per second, of all protocols together")
	flags.IntVar(&o.restarts, "restarts", 20, "processes that are replaced in each run")
	flags.IntVar(&o.streams, "streams", 3, "long-lived clients of each streaming protocol")
	flags.DurationVar(&o.grace, "grace", 30*time.Second, "from SIGTERM to SIGKILL")
	flags.DurationVar(&o.delay, "delay", 0, "the shutdown delay of handover and mounted; 0: the default, 2s")
	tls := flags.String("tls", "off,on", "HTTP with TLS from the client to the service: `off`, on; on not behind haproxy and nginx in their http modes")
	flags.BoolVar(&o.json, "json", false, "print the results as JSON")
	flags.BoolVar(&o.verbose, "v", false, "print what happens when")
	quick := flags.Bool("quick", false, "lag 1s, 200 requests per second, 3 restarts")
	_ = flags.Parse(args) // exits
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: only flags are understood", flags.Arg(0))
	}
	if *quick {
		*lags, *rates, o.restarts = "1s", "200", 3
	}
	var err error
	pick(&err, &o.variants, *chosen, variants(), func(v fleet.Variant) string { return v.Name })
	pick(&err, &o.balancers, *kinds, balance.Kinds(), func(k balance.Kind) string { return k.Name })
	pick(&err, &o.protocols, *protocols, load.Protocols(), func(p string) string { return p })
	each(&err, &o.lags, *lags, time.ParseDuration)
	each(&err, &o.rates, *rates, strconv.Atoi)
	each(&err, &o.tls, *tls, onOff)
	o.balancers = installed(o.balancers)
	return o, err
}

func onOff(s string) (bool, error) {
	switch s {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, fmt.Errorf("-tls %q: use on, off, or both with a comma", s)
}

func names[T any](all []T, name func(T) string) string {
	var list []string
	for _, one := range all {
		list = append(list, name(one))
	}
	return strings.Join(list, ", ")
}

// pick finds the named ones, all if none is.
func pick[T any](err *error, into *[]T, wanted string, all []T, name func(T) string) {
	if wanted == "" {
		*into = all
		return
	}
	each(err, into, wanted, func(s string) (T, error) {
		for _, one := range all {
			if name(one) == s {
				return one, nil
			}
		}
		var none T
		return none, fmt.Errorf("there is no %q: use %s", s, names(all, name))
	})
}

func each[T any](err *error, into *[]T, list string, parse func(string) (T, error)) {
	for part := range strings.SplitSeq(list, ",") {
		one, parseErr := parse(strings.TrimSpace(part))
		if parseErr != nil && *err == nil {
			*err = parseErr
		}
		*into = append(*into, one)
	}
}
