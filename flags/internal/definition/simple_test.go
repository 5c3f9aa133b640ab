package definition_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/definition"
)

func TestSimple(t *testing.T) {
	tests := map[string]struct {
		percentage float64
		want       string
	}{
		"nobody":                       {0, "on 0, off 100"},
		"whole":                        {25, "on 25, off 75"},
		"everybody":                    {100, "on 100, off 0"},
		"a tenth of a percent":         {0.1, "on 100, off 99900"},
		"a product that is not exact":  {0.07, "on 70, off 99930"},
		"another one":                  {1.001, "on 1001, off 98999"},
		"between two parts":            {33.3333, "on 33334, off 66666"},
		"less than a part is one":      {0.0001, "on 1, off 99999"},
		"nearly everybody is everyone": {99.9999, "on 100000, off 0"},
		"below zero":                   {-0.1, "definition: a rollout of -0.1 %: it goes from 0 to 100"},
		"above a hundred":              {100.1, "definition: a rollout of 100.1 %: it goes from 0 to 100"},
		"no number":                    {math.NaN(), "definition: a rollout of NaN %: it goes from 0 to 100"},
		"infinity":                     {math.Inf(1), "definition: a rollout of +Inf %: it goes from 0 to 100"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			flag, err := definition.Simple(true, test.percentage)
			if err != nil {
				require.EqualError(t, err, test.want)
				return
			}
			var on, off int
			_, err = fmt.Sscanf(test.want, "on %d, off %d", &on, &off)
			require.NoError(t, err)
			require.JSONEq(t, fmt.Sprintf(`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
				"targeting": {"fractional": [["on", %d], ["off", %d]]}}`, on, off), string(flag))
			compiled(t, `{"flags": {"a": `+string(flag)+`}}`)
		})
	}
	flag, err := definition.Simple(false, 50)
	require.NoError(t, err)
	require.Equal(t, "the caller's default DISABLED", outcomeOf(compiled(t, `{"flags": {"a": `+string(flag)+`}}`).Flags["a"], scope("k")))
}
