package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/wasilibs/go-pgquery/parser"
)

// deepest is where the parser is not asked any more: its stack is WebAssembly's,
// and no migration nests like this.
const deepest = 200

// Statement is one statement of a source, without the comments before it.
type Statement struct {
	Node
	Kind string // "AlterTableStmt", …; "" if Err
	Raw  json.RawMessage
	Text string
	// Code is Text with blanks for comments, strings and quoted names.
	Code string
	// Start and End are offsets into the source, in bytes; Base is what a
	// location in the tree counts from.
	Start, End, Base int
	// Err says why there is no tree.
	Err error
}

// Parse splits a source and parses it. The parser does both in one go; only if
// it refuses is the source cut at its semicolons, so that one statement that a
// newer server would know does not hide the others.
func Parse(src string, scan Scan) []Statement {
	if all, err := parse(src, scan.Deepest); err == nil {
		return trim(all, scan)
	}
	var all []Statement
	start := 0
	for _, end := range append(scan.Ends, len(src)) {
		text := src[start:end]
		if strings.Trim(scan.Code[start:end], "; \t\r\n\f\v") == "" && !strings.ContainsAny(text, "'\"$") {
			start = end
			continue
		}
		one, err := parse(text, depthOf(scan.Code[start:end]))
		if err != nil {
			one = []Statement{{Text: text, End: len(text), Err: err}}
		}
		for _, s := range one {
			s.Start, s.End, s.Base = s.Start+start, s.End+start, start
			all = append(all, s)
		}
		start = end
	}
	return trim(all, scan)
}

// parse asks the parser. Some inputs end the WebAssembly, which is a panic there.
func parse(src string, depth int) (all []Statement, err error) {
	defer func() {
		if died := recover(); died != nil {
			all, err = nil, fmt.Errorf("the parser died: %.80v", died)
		}
	}()
	switch {
	case strings.ContainsRune(src, 0):
		return nil, errors.New("a zero byte, where the parser would stop reading")
	case depth > deepest:
		return nil, fmt.Errorf("nested %d deep, of at most %d", depth, deepest)
	}
	text, err := parser.ParseToJSON(src)
	if err != nil {
		return nil, err
	}
	var result struct {
		Stmts []struct {
			Stmt     json.RawMessage
			Location int `json:"stmt_location"`
			Len      int `json:"stmt_len"`
		}
	}
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		return nil, err
	}
	for _, raw := range result.Stmts {
		if raw.Len == 0 {
			raw.Len = len(src) - raw.Location
		}
		s := Statement{Start: raw.Location, End: raw.Location + raw.Len, Raw: raw.Stmt}
		s.Text = src[s.Start:s.End]
		if err := json.Unmarshal(raw.Stmt, &s.Node); err != nil {
			s.Err = err
		}
		s.Kind = kind(raw.Stmt)
		all = append(all, s)
	}
	return all, nil
}

func kind(stmt json.RawMessage) string {
	_, rest, _ := strings.Cut(string(stmt[:min(len(stmt), 64)]), `"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// trim moves each start behind the comments and blanks before the statement.
func trim(all []Statement, scan Scan) []Statement {
	for i := range all {
		s := &all[i]
		code := scan.Code[s.Start:s.End]
		lead := 0
		for lead < len(code) && strings.IndexByte(" \t\r\n\f\v;", code[lead]) >= 0 && s.Text[lead] != '"' && s.Text[lead] != '\'' && s.Text[lead] != '$' {
			lead++
		}
		if lead < len(code) {
			s.Start, s.Text = s.Start+lead, s.Text[lead:]
		}
		s.Text = strings.TrimRight(s.Text, "; \t\r\n")
		s.Code = scan.Code[s.Start:][:len(s.Text)]
	}
	return all
}
