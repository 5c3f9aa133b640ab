//go:build !unix

package pgtest

import (
	"context"
	"fmt"
)

func (s *Server) run(context.Context, string, ...string) error { return ErrNotInstalled }

type guard struct{}

func watch(string, string) (*guard, error) {
	return nil, fmt.Errorf("a server of one's own is for Unix only: %w", ErrNotInstalled)
}

func (g *guard) dismiss() {}
