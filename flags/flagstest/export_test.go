package flagstest

import (
	"context"
	"fmt"
)

// Rules are the names of all there are.
func Rules() (names []string) {
	for _, r := range rules() {
		names = append(names, r.name)
	}
	return names
}

// CheckRule is CheckSource for one rule.
func CheckRule(ctx context.Context, name string, s Store) error {
	if err := s.complete(); err != nil {
		return err
	}
	for _, r := range rules() {
		if r.name == name {
			return r.run(ctx, s)
		}
	}
	return fmt.Errorf("there is no rule %q", name)
}
