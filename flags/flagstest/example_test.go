package flagstest_test

import (
	"context"
	"fmt"

	"github.com/handover-go/handover/flags"
)

// A flag has another value in a test, and nowhere else: tests may run in parallel.
func Example() {
	newCheckout := flags.Bool("new-checkout", false) // a variable of the package under test
	shop := func(ctx context.Context) string {
		if newCheckout.On(ctx) {
			return "the new checkout"
		}
		return "the old checkout"
	}

	ctx := context.Background() // t.Context()
	fmt.Println(shop(ctx))
	fmt.Println(shop(newCheckout.With(ctx, true)))
	// Output:
	// the old checkout
	// the new checkout
}
