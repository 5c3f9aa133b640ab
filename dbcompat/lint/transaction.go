package lint

import (
	"slices"

	"github.com/handover-go/handover/dbcompat/lint/internal/tree"
)

// transactions numbers them: 0 is none, 1 the one that the tool begins, 2 and on
// those of the file. BEGIN belongs to what is around it, COMMIT to what it ends.
func transactions(all []tree.Statement, how Transaction, up part) []int {
	outer := outside(all, how, up)
	tx := make([]int, len(all))
	now, next := outer, 2
	for i, s := range all {
		tx[i] = now
		switch {
		case begin(s) && now < 2:
			now = next
			next++
		case end(s) && now > 1:
			now = outer
		case end(s):
			now = 0
		}
	}
	return tx
}

// outside is 1 if the tool begins a transaction around the file.
func outside(all []tree.Statement, how Transaction, up part) int {
	own := slices.ContainsFunc(all, begin)
	switch {
	case up.noTx, how == PerStatement:
		return 0
	case up.goose, how == PerFile, !own && len(all) > 1:
		return 1
	}
	return 0
}

func begin(s tree.Statement) bool {
	t := s.TransactionStmt
	return t != nil && (t.Kind == "TRANS_STMT_BEGIN" || t.Kind == "TRANS_STMT_START")
}

func end(s tree.Statement) bool {
	t := s.TransactionStmt
	return t != nil && (t.Kind == "TRANS_STMT_COMMIT" || t.Kind == "TRANS_STMT_ROLLBACK" || t.Kind == "TRANS_STMT_PREPARE")
}
