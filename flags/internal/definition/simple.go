package definition

import (
	"encoding/json"
	"fmt"
	"math"
)

// Simple is the definition of a flag that is a switch and a percentage, as a row of
// enabled and rollout_percentage says it: on for so many, off for the others and for
// who has no key, and the caller's default if it is not enabled.
//
// The grain is a thousandth of a percent. What is finer is rounded up, as it is where
// a place is asked to be less than the percentage times a thousand.
func Simple(enabled bool, percentage float64) (json.RawMessage, error) {
	if !(percentage >= 0 && percentage <= 100) { // NaN is neither
		return nil, fmt.Errorf("definition: a rollout of %v %%: it goes from 0 to 100", percentage)
	}
	state := "DISABLED"
	if enabled {
		state = "ENABLED"
	}
	on, total := int(percentage), 100
	if float64(on) != percentage {
		on, total = thousandths(percentage), 100_000
	}
	return fmt.Appendf(nil, `{"state":%q,"variants":{"on":true,"off":false},"defaultVariant":"off",`+
		`"targeting":{"fractional":[["on",%d],["off",%d]]}}`, state, on, total-on), nil
}

// thousandths takes 0.07 for 70 of them, though 0.07 × 1000 is 70.00000000000001.
func thousandths(percentage float64) int {
	product := percentage * 1000
	if nearest := math.Round(product); math.Abs(product-nearest) < 1e-9*product {
		return int(nearest)
	}
	return int(math.Ceil(product))
}
