package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/handover-go/handover/flags/internal/lint"
)

// printer writes findings, a line each. What it cannot write is found by Flush.
type printer struct {
	to     io.Writer
	asJSON bool
}

// object is a finding for a program.
type object struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"` // from 1
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Problem string `json:"problem"`
	Instead string `json:"instead,omitempty"`
	Rule    string `json:"rule,omitempty"` // of a warning
}

func (p printer) print(name string, f lint.Finding) {
	if p.asJSON {
		encoder := json.NewEncoder(p.to)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(object{name, f.Line, f.Column, f.Path, f.Problem, f.Instead, f.Rule})
		return
	}
	position := name
	if f.Line > 0 {
		position = fmt.Sprintf("%s:%d:%d", name, f.Line, f.Column)
	}
	kind, rule := "", ""
	if f.Rule != "" {
		kind, rule = "warning: ", fmt.Sprintf(" (%s)", f.Rule)
	}
	text := f.Mistake
	text.Line = 0
	fmt.Fprintf(p.to, "%s: %s%s%s\n", position, kind, text, rule)
}
