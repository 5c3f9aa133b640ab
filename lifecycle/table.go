package lifecycle

import (
	"strings"
	"text/tabwriter"
	"time"
)

// table aligns rows of cells, the first of which is the header.
func table(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = w.Write([]byte(strings.Join(row, "\t") + "\n")) // into b: cannot fail
	}
	_ = w.Flush()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// short rounds to what a person wants to read.
func short(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
