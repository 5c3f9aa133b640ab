package flagstest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/handover-go/handover/flags"
)

const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

// definitions are those of a generation. Two of them differ in each flag, in how many
// flags there are, and in length, so that a mixture of two is none.
func definitions(generation int, state string) []byte {
	all := []string{fmt.Sprintf(
		`"thing": {"state": %q, "variants": {"on": true, "off": false}, "defaultVariant": "on", "metadata": {"generation": %d}}`, state, generation)}
	for i := range 10 + generation%7 {
		all = append(all, fmt.Sprintf(
			`"f%02d": {"state": "ENABLED", "variants": {"at": %d}, "defaultVariant": "at", "metadata": {"padding": "%s"}}`,
			i, generation, strings.Repeat("x", 1+97*generation%400)))
	}
	return fmt.Appendf(nil, `{"metadata": {"bucketing": "v1", "generation": %d},
"$evaluators": {"newest": {"==": [{"var": "generation"}, %d]}},
"flags": {
%s
}}
`, generation, generation, strings.Join(all, ",\n"))
}

// content is what a document means.
type content struct {
	Metadata   map[string]any `json:"metadata"`
	Evaluators map[string]any `json:"$evaluators"`
	Flags      map[string]any `json:"flags"`
}

func read(document []byte) (content, error) {
	var c content
	if err := json.Unmarshal(document, &c); err != nil {
		return c, fmt.Errorf("a Load gave %d bytes that are no set, and no error: %w", len(document), err)
	}
	return c, nil
}

// generation is the one that the document is, whole.
func generation(doc flags.Document) (int, error) {
	got, err := read(doc.JSON)
	if err != nil {
		return 0, err
	}
	n, ok := got.Metadata["generation"].(float64)
	if !ok {
		return 0, fmt.Errorf("metadata is %v: what was set is not in it", got.Metadata)
	}
	thing, _ := got.Flags["thing"].(map[string]any)
	state, _ := thing["state"].(string)
	if state != disabled {
		state = enabled
	}
	return int(n), differs(doc, int(n), state)
}

// differs says in what the document is not what was set.
func differs(doc flags.Document, generation int, state string) error {
	want, err := read(definitions(generation, state))
	if err != nil {
		return err
	}
	got, err := read(doc.JSON)
	if err != nil {
		return err
	}
	for name := range want.Metadata { // the store may add some
		if got.Metadata[name] != want.Metadata[name] {
			return fmt.Errorf("metadata.%s is %v, not %v as it was set", name, got.Metadata[name], want.Metadata[name])
		}
	}
	if !reflect.DeepEqual(got.Evaluators, want.Evaluators) {
		return fmt.Errorf("$evaluators are %v, not %v as they were set", got.Evaluators, want.Evaluators)
	}
	both := maps.Clone(want.Flags)
	maps.Copy(both, got.Flags)
	for _, key := range slices.Sorted(maps.Keys(both)) {
		if !reflect.DeepEqual(got.Flags[key], want.Flags[key]) {
			return fmt.Errorf("flag %s is %v, not %v as it was set", key, got.Flags[key], want.Flags[key])
		}
	}
	return nil
}
