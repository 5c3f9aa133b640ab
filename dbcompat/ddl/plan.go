package ddl

import (
	"fmt"
	"strings"
)

// Plan is what would be done, in this order.
type Plan []Step

// String is for a person who has to agree to it.
func (p Plan) String() string {
	var b strings.Builder
	for i, s := range p {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s.Operation)
		line := func(what, text string) { fmt.Fprintf(&b, "   %-5s %s\n", what, text) }
		line("sql", s.SQL)
		line("lock", string(s.Lock)+" on "+strings.Join(s.On, ", "))
		line("cost", string(s.Cost))
		if s.Undo == "" {
			s.Undo = "nothing"
			if s.drops != "" {
				s.Undo = "impossible, the data is gone"
			}
		}
		line("undo", s.Undo)
		if s.Concurrently {
			line("note", "outside of a transaction")
		}
		if s.Done {
			line("now", "done")
		}
		if s.Problem != "" {
			line("now", s.Problem)
		}
		for _, blocker := range s.Blockers {
			line("now", "waits for "+blocker.String())
		}
		for _, reference := range s.References {
			line("now", "refused: "+reference.String())
		}
	}
	return b.String()
}
