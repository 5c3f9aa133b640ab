package main

import (
	"context"
	"fmt"
	"io"
)

// strategy is one way to deploy.
type strategy func(context.Context, options, io.Writer) (result, error)

// deploy goes through those that were asked for. What one has lost is no reason not to try
// the next; what did not come to its end is.
func deploy(ctx context.Context, o options, out io.Writer) (all []result, err error) {
	ways := map[string]strategy{"rolling": small}
	if !o.onlySmall() {
		w, err := open(ctx, o)
		if err != nil {
			return nil, err
		}
		defer w.close()
		ways = map[string]strategy{"rolling": w.rolling, "bluegreen": w.blueGreen, "canary": w.canary, "schema": w.schema}
		if o.mode != modeHandover {
			ways["rolling"] = small
		}
	}
	for _, name := range strategies() {
		if o.strategy != strategyAll && o.strategy != name {
			continue
		}
		fmt.Fprintf(out, "\n== %s ==\n", name)
		r, err := ways[name](ctx, o, out)
		if o.mode == modeNaive {
			r.Naive = naivety()[name]
		}
		all = append(all, r)
		if len(r.Processes) > 0 {
			r.print(out)
		}
		if err != nil {
			return all, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

// onlySmall reports whether nothing but the small service is deployed, which needs neither
// a build nor PostgreSQL.
func (o options) onlySmall() bool {
	return o.strategy == "rolling" && (o.service == serviceSmall || o.mode != modeHandover)
}
