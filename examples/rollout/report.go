package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/handover-go/handover/examples/rollout/internal/report"
	"github.com/handover-go/handover/examples/rollout/internal/strategy"
)

// picture is the file that the report is written to, once there is one.
type picture struct {
	name      string
	temporary string // beside it; it becomes the file in one go
}

// The report's file is a page, or the picture alone.
const (
	page  = ".html"
	alone = ".svg"
)

// checkReport says what is wrong with the name.
func (o options) checkReport() error {
	switch filepath.Ext(o.report) {
	case page:
	case alone:
		if o.strategy == strategy.All {
			return fmt.Errorf("-report is %s, the picture of one strategy: add -strategy, or use FILE%s", o.report, page)
		}
	default:
		if o.report != "" {
			return fmt.Errorf("-report is %s: use FILE%s, or FILE%s for the picture alone", o.report, page, alone)
		}
	}
	return nil
}

// newPicture finds out whether the file can be written. Without a name there is none.
func newPicture(name string) (*picture, error) {
	if name == "" {
		return nil, nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, fmt.Errorf("-report is %s: that is a directory", name)
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".rollout-")
	if err != nil {
		return nil, fmt.Errorf("-report is %s: it cannot be written: %w", name, err)
	}
	return &picture{name, file.Name()}, file.Close()
}

// close removes what was not written in the end.
func (p *picture) close() {
	if p != nil {
		_ = os.Remove(p.temporary) // it has become the file, most of the time
	}
}

// write makes the file.
func (p *picture) write(all []strategy.Result) error {
	if p == nil {
		return nil
	}
	var runs []report.Run
	for _, r := range all {
		runs = append(runs, r.Picture)
		run := &runs[len(runs)-1]
		run.Strategy, run.Service, run.Naive, run.Requests, run.Failed = r.Strategy, r.Service, r.Naive, r.Requests, r.Failed
		var words strings.Builder
		write(&words, r)
		run.Lines = strings.Split(strings.TrimSpace(words.String()), "\n")
	}
	text := report.Page(runs)
	if filepath.Ext(p.name) == alone {
		text = report.Picture(runs[0])
	}
	if err := os.WriteFile(p.temporary, []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Chmod(p.temporary, 0o644); err != nil { // as any page has it
		return err
	}
	return os.Rename(p.temporary, p.name)
}
