package ofprovider_test

import (
	"context"
	"fmt"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ofprovider"
)

// The client is started by who owns it, before the SDK is told of the provider. The
// domain keeps it apart from other providers of the program.
func Example() {
	fl := flags.New(flags.Static(`{
		"metadata": {"version": "7"},
		"flags": {
			"new-checkout-flow": {
				"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
				"targeting": {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, "on", "off"]}
			}
		}
	}`), flags.Config{})
	ctx := context.Background()
	if err := fl.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	if err := openfeature.SetNamedProviderWithContextAndWait(ctx, "checkout", ofprovider.New(fl)); err != nil {
		fmt.Println(err)
		return
	}
	client := openfeature.NewClient("checkout")

	ann := openfeature.NewEvaluationContext("ann", map[string]any{"email": "ann@example.com"})
	d, err := client.BooleanValueDetails(ctx, "new-checkout-flow", false, ann)
	fmt.Println(d.Value, d.Variant, d.Reason, d.FlagMetadata["version"], err)

	d, err = client.BooleanValueDetails(ctx, "new-chekcout-flow", false, ann)
	fmt.Println(d.Value, d.Reason, d.ErrorCode, err)

	fmt.Println(openfeature.ShutdownWithContext(ctx))
	// Output:
	// true on TARGETING_MATCH 7 <nil>
	// false ERROR FLAG_NOT_FOUND error code: FLAG_NOT_FOUND: the set has no flag "new-chekcout-flow"
	// <nil>
}
