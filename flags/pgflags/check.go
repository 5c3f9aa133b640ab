package pgflags

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/tree"
)

// checked changes a flag and looks at the set, before and after.
func (s *Store) checked(ctx context.Context, tx pgx.Tx, key string, change func() error) error {
	before, err := s.mistakes(ctx, tx)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := s.mistakes(ctx, tx)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range after {
		if within(m.Path, tree.Join("flags", key)) || !slices.Contains(before, m) {
			errs = append(errs, errors.New(m.String()))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("refused: %w", errors.Join(errs...))
	}
	return nil
}

// within reports whether a path leads to a flag or into it.
func within(path, flag string) bool {
	rest, ok := strings.CutPrefix(path, flag)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// mistakes are those of the set as the transaction sees it, without the lines of a
// document that nobody has written. A set that is not there has none.
func (s *Store) mistakes(ctx context.Context, tx pgx.Tx) ([]tree.Mistake, error) {
	set, err := s.read(ctx, tx)
	if errors.Is(err, ErrNoSet) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, all := definition.Compile(set.document.JSON, false)
	for i := range all {
		all[i].Line, all[i].Column = 0, 0
	}
	return all, nil
}
