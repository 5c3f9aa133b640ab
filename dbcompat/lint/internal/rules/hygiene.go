package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

func hygieneRules() []Rule {
	return []Rule{
		{Name: "require-lock-timeout", Find: requireTimeout("lock_timeout"), Remedy: "SET LOCAL lock_timeout = '2s' in the transaction, and a retry; behind pgbouncer on the role"},
		{Name: "transaction-nesting", Find: nesting, Remedy: "leave BEGIN and COMMIT to the tool, or tell it that the file runs in no transaction"},
		{Name: "uncommitted-transaction", Find: uncommitted, Remedy: "COMMIT at the end"},
		{Name: "identifier-too-long", Find: tooLong, Remedy: "63 bytes at most: PostgreSQL cuts the rest and says so in a notice that nobody reads"},
		{Name: "duplicate-assignment", Find: duplicates, Remedy: "one value for each column"},
		{Name: "not-looked-into", Find: notLookedInto, Remedy: "write the statements out, or read the block and allow this rule with what you have found"},
	}
}

// limited tells whether a time-out is in force at statement i: SET before it, with
// LOCAL only in the same transaction.
func (f *File) limited(setting string, i int) bool {
	is := false
	for j := range i {
		s := f.Statements[j]
		if v := s.VariableSetStmt; v != nil && strings.EqualFold(v.Name, setting) {
			local := strings.Contains(string(s.Raw), `"is_local":true`)
			if !local || f.together(i, j) {
				is = v.Kind == "VAR_SET_VALUE" && !zero(v.Args)
			}
		}
		if s.SelectStmt != nil && slices.Contains(tree.Functions(s.Raw), "set_config") && strings.Contains(s.Text, "'"+setting+"'") {
			is = true
		}
	}
	return is
}

// zero tells whether a time-out is 0, which means none.
func zero(args []json.RawMessage) bool {
	for _, a := range args {
		text := string(a)
		if strings.Contains(text, `"ival":{}`) || strings.Contains(text, `"sval":"0`) {
			return true
		}
	}
	return len(args) == 0
}

// requireTimeout finds the first statement of the file that waits for a strong
// lock; one finding says it for all.
func requireTimeout(setting string) func(*File, int) []Hit {
	waits := func(f *File, i int) bool { return f.locks[i] != "" && !f.limited(setting, i) }
	return func(f *File, i int) []Hit {
		if !waits(f, i) {
			return nil
		}
		for j := range i {
			if waits(f, j) {
				return nil
			}
		}
		return []Hit{{
			Problem: fmt.Sprintf("%s is locked without %s: while it waits for one long query, everybody waits behind it", f.locks[i], setting),
			Safe:    "SET LOCAL " + setting + " = '2s'; -- SET, where there is no transaction",
		}}
	}
}

// nesting: transaction 1 is the one that the tool has begun.
func nesting(f *File, i int) []Hit {
	t := f.Statements[i].TransactionStmt
	if t == nil {
		return nil
	}
	begins := t.Kind == "TRANS_STMT_BEGIN" || t.Kind == "TRANS_STMT_START"
	ends := t.Kind == "TRANS_STMT_COMMIT" || t.Kind == "TRANS_STMT_ROLLBACK"
	inside := f.Tx[i] != 0
	switch {
	case begins && inside:
		return hit("BEGIN inside a transaction does nothing, and its COMMIT ends the outer one")
	case ends && f.Tx[i] == 1:
		return hit("this ends the transaction that the tool has begun")
	}
	return nil
}

func uncommitted(f *File, i int) []Hit {
	t := f.Statements[i].TransactionStmt
	if t == nil || t.Kind != "TRANS_STMT_BEGIN" && t.Kind != "TRANS_STMT_START" {
		return nil
	}
	for j := i + 1; j < len(f.Statements); j++ {
		if e := f.Statements[j].TransactionStmt; e != nil && (e.Kind == "TRANS_STMT_COMMIT" || e.Kind == "TRANS_STMT_ROLLBACK" || e.Kind == "TRANS_STMT_PREPARE") {
			return nil
		}
	}
	return hit("a transaction begins and never ends")
}

func tooLong(f *File, i int) []Hit {
	s := f.Statements[i]
	var hits []Hit
	for _, word := range strings.FieldsFunc(s.Text, func(r rune) bool {
		return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		// The tree has the name as it was cut, so the source must have it whole.
		if len(word) > 63 && cut(s.Raw, word) {
			hits = append(hits, Hit{Problem: fmt.Sprintf("%s has %d bytes", word, len(word))})
		}
	}
	return hits
}

func cut(raw json.RawMessage, word string) bool {
	text := string(raw)
	short := word[:63]
	return strings.Contains(text, `"`+short+`"`) || strings.Contains(text, `"`+strings.ToLower(short)+`"`)
}

func duplicates(f *File, i int) []Hit {
	update := f.Statements[i].UpdateStmt
	if update == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, t := range update.Targets {
		if column := t.ResTarget.Name; len(t.ResTarget.Indirection) == 0 {
			if seen[column] {
				return hit("the column " + quote(column) + " is assigned twice, which PostgreSQL refuses")
			}
			seen[column] = true
		}
	}
	return nil
}

func notLookedInto(f *File, i int) []Hit {
	if f.Statements[i].DoStmt == nil {
		return nil
	}
	return hit("a DO block is a string to PostgreSQL's grammar: whatever it does has not been looked into")
}
