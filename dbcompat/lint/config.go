package lint

import (
	"errors"
	"fmt"
	"slices"

	"github.com/handover-go/handover/dbcompat/lint/internal/rules"
)

// Transaction says what a file runs in, where it does not say so itself.
type Transaction int

// What a file runs in.
const (
	// Auto believes goose's annotations. Another file that says BEGIN runs in
	// what it says; one of several statements is taken for one transaction, as
	// golang-migrate and most others do; and one of a single statement for none.
	Auto Transaction = iota
	// PerFile is one transaction around all of the file.
	PerFile
	// PerStatement is none but those that the file begins, as in psql.
	PerStatement
)

// Config says what is known of a file. The zero value is valid.
type Config struct {
	// Name is the file's name. It is copied into the findings, and a name that
	// ends in .down.sql is a Down part. Default: none.
	Name string
	// Server is what SHOW server_version_num prints, such as 140003. Default:
	// 150000. It decides which remedies there are; the grammar is 17's always.
	Server int
	// Transaction is what the file runs in. Default: Auto.
	Transaction Transaction
	// Style looks also for matters of taste. Default: no.
	Style bool
	// Skip names rules that are not asked. Default: none. One statement is
	// better excused where it stands, with its reason.
	Skip []string
}

const oldestServer, defaultServer = 90600, 150000

// fill checks the Config and sets what is not set; all mistakes at once.
func (c *Config) fill() error {
	var errs []error
	if c.Server == 0 {
		c.Server = defaultServer
	}
	if c.Server < oldestServer {
		errs = append(errs, fmt.Errorf("server %d: give server_version_num, such as %d", c.Server, defaultServer))
	}
	if c.Transaction < Auto || c.Transaction > PerStatement {
		errs = append(errs, fmt.Errorf("transaction %d: give Auto, PerFile or PerStatement", c.Transaction))
	}
	for _, name := range c.Skip {
		if !known(name) {
			errs = append(errs, fmt.Errorf("skip %q: there is no such rule", name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("lint: config: %w", err)
	}
	return nil
}

func known(name string) bool {
	return slices.ContainsFunc(Rules(), func(r Rule) bool { return r.Name == name })
}

// Rule is the name of a rule, and what it wants instead.
type Rule struct {
	Name   string `json:"rule"` // as -- handover:allow takes it
	Remedy string `json:"remedy"`
	// Style marks what is looked for with Config.Style only.
	Style bool `json:"style,omitempty"`
}

// Rules are all rules, those about the file itself last.
func Rules() []Rule {
	var all []Rule
	for _, r := range rules.All() {
		all = append(all, Rule{Name: r.Name, Remedy: r.Remedy, Style: r.Style})
	}
	return append(all,
		Rule{Name: notParsed, Remedy: "what only a newer PostgreSQL knows: read it, and allow this rule with what you have found; else correct it"},
		Rule{Name: allowWithoutReason, Remedy: "-- handover:allow RULE, and why it is safe here"},
		Rule{Name: allowUnknownRule, Remedy: "the name of a rule, one for each comment"},
		Rule{Name: allowUnused, Remedy: "remove it: what it allows is not there, or not in the statement below it"},
	)
}

// The rules about the file itself.
const (
	notParsed          = "not-parsed"
	allowWithoutReason = "allow-without-reason"
	allowUnknownRule   = "allow-unknown-rule"
	allowUnused        = "allow-unused"
)
