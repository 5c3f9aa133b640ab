package expression

import (
	"errors"
	"slices"
	"strings"
)

// Check tells what would reach beyond the expression's end, and parameters, of which an
// expression over columns has none.
func Check(e string) error {
	all, err := read(e)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.kind == other && t.text == "$" {
			return errors.New("it has a parameter: name the column, which is exchanged for one where that is right")
		}
	}
	return nil
}

// read cuts into pieces what does not reach beyond its end.
func read(e string) ([]token, error) {
	if strings.TrimSpace(e) == "" {
		return nil, errors.New("it is empty: give an SQL expression")
	}
	all, err := tokens(e)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if t.kind == other && t.text == ";" {
			return nil, errors.New("it has a semicolon: give one expression")
		}
	}
	return all, balanced(all)
}

// balanced tells of brackets that would close somebody else's, and of commas that
// belong to none.
func balanced(all []token) error {
	open := "" // what would close them, the innermost last
	for _, t := range all {
		if t.kind != other {
			continue
		}
		switch t.text {
		case "(":
			open += ")"
		case "[":
			open += "]"
		case ")", "]":
			if !strings.HasSuffix(open, t.text) {
				return errors.New("it closes a bracket that it has not opened")
			}
			open = open[:len(open)-1]
		case ",":
			if open == "" {
				return errors.New("it has a comma outside of brackets: give one expression for each column")
			}
		}
	}
	if open != "" {
		return errors.New("it opens a bracket that it does not close")
	}
	return nil
}

// Substitute exchanges columns for values. An expression may have parameters here; what
// else Check refuses is an error.
func Substitute(e string, columns, values []string) (string, error) {
	all, err := read(e)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, t := range all {
		c := slices.Index(columns, t.name)
		if c >= 0 && isColumn(all, i) {
			t.text = values[c]
		}
		b.WriteString(t.text)
	}
	return b.String(), nil
}

// Column is the column, if it is all that there is.
func Column(e string) (name string, is bool) {
	all, err := tokens(strings.TrimSpace(e))
	if err != nil || len(all) != 1 || !isColumn(all, 0) {
		return "", false
	}
	return all[0].name, true
}

// Mentions reports whether a column is in an expression.
func Mentions(e, column string) bool {
	all, err := tokens(e)
	if err != nil {
		return false
	}
	for i, t := range all {
		if t.name == column && isColumn(all, i) {
			return true
		}
	}
	return false
}

// CutQuoted is the name between the quotes with which a text begins, and what is behind.
func CutQuoted(text string) (name, rest string, found bool) {
	if !strings.HasPrefix(text, `"`) {
		return "", text, false
	}
	t, err := quoted(text, identifier)
	if err != nil {
		return "", text, false
	}
	return t.name, text[len(t.text):], true
}

// isColumn tells a column from a word, a part of a longer name, a function, the prefix
// or the type of a text, as in X'ff' and date '2001-02-03', a unit, a type, and a
// collation.
func isColumn(all []token, i int) bool {
	t, before, after := all[i], neighbour(all, i, -1), neighbour(all, i, 1)
	switch {
	case t.kind != identifier, t.text[0] != '"' && reserved(t.name):
		return false
	case before.text == ".", after.text == ".", after.text == "(":
		return false
	case before.kind == literal, after.kind == literal:
		return false
	case before.text == "::", before.is("as"), before.is("collate"):
		return false
	}
	return !ofTime(all, i)
}

// ofTime tells the words of AT TIME ZONE, WITH TIME ZONE and extract(day FROM …), which
// are names of columns elsewhere.
func ofTime(all []token, i int) bool {
	t, before, after := all[i], neighbour(all, i, -1), neighbour(all, i, 1)
	switch {
	case t.is("at"):
		return after.is("time")
	case t.is("time") && after.is("zone"), t.is("zone") && before.is("time"):
		return true
	}
	return after.is("from") && before.text == "(" && neighbour(all, i, -2).is("extract")
}

// neighbour is the first token before or after that is no white space; for 2, the second.
func neighbour(all []token, i, n int) token {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for i += step; i >= 0 && i < len(all); i += step {
		if strings.TrimSpace(all[i].text) == "" {
			continue
		}
		if n--; n == 0 {
			return all[i]
		}
	}
	return token{}
}

// reserved are the words that are never a column unless they are quoted:
// https://www.postgresql.org/docs/current/sql-keywords-appendix.html
func reserved(word string) bool {
	const words = " all analyse analyze and any array as asc asymmetric authorization binary both case cast check" +
		" collate collation column concurrently constraint create cross current_catalog current_date current_role" +
		" current_schema current_time current_timestamp current_user default deferrable desc distinct do else end" +
		" except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into" +
		" is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on" +
		" only or order outer overlaps placing primary references returning right select session_user similar some" +
		" symmetric system_user table tablesample then to trailing true union unique user using variadic verbose" +
		" when where window with "
	return strings.Contains(words, " "+word+" ")
}
