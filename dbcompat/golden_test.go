package dbcompat_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

// The parts of all statements, for a person to read. UPDATE_GOLDEN=1 writes them anew.
func TestTheParts(t *testing.T) {
	var b strings.Builder
	all := changes()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name].columns
		require.NoError(t, c.Check())
		fmt.Fprintf(&b, "%s\n\n", name)
		for _, s := range stages {
			parts(t, &b, all[name], c, s)
		}
	}
	const file = "testdata/parts.golden"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

func parts(t *testing.T, b *strings.Builder, change change, c dbcompat.Columns, s dbcompat.Stage) {
	t.Helper()
	columns, values := c.Insert(s, 3)
	from, selected := c.InsertFrom(s, "batch")
	twin, expressions, err := c.Twin(s)
	require.NoError(t, err)
	copied, _, err := c.Copy(s)
	text := strings.Join(copied, ", ")
	if err != nil {
		text = err.Error()
	}
	require.Equal(t, change.copies[s-dbcompat.Old], err == nil, s)
	for _, line := range [][2]string{
		{"UPDATE", fmt.Sprintf("%s SET %s", c.Relation(), c.Set(s, 3))},
		{"UPDATE by SQL", "SET " + c.SetTo(s, "", change.setTo...)},
		{"INSERT", fmt.Sprintf("(%s) VALUES (%s)", columns, values)},
		{"INSERT from", fmt.Sprintf("(%s) SELECT %s", from, selected)},
		{"ON CONFLICT", "DO UPDATE SET " + c.SetExcluded(s)},
		{"COPY", text},
		{"SELECT", c.Select(s, "t")},
		{"WHERE", strings.Join(c.Believed(s, ""), " … ")},
		{"a machine", fmt.Sprintf("%s from %s", strings.Join(twin, ", "), strings.Join(expressions, ", "))},
	} {
		fmt.Fprintf(b, "  %-10s  %-13s  %s\n", s, line[0], line[1])
	}
	b.WriteString("\n")
}
