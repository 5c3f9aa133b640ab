//go:build unix

package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Variant is one program that serves the same and stops in its own way.
type Variant struct {
	Name string
	// Package is its directory, from that of the torture.
	Package string
	// RPC says whether it serves gRPC.
	RPC bool
	// Ours says whether it is built with this library, and so must lose nothing.
	Ours bool
}

// Build compiles it into dir and returns the path of the program. It runs where
// the module of the package is, which may not be that of the torture.
func (v Variant) Build(ctx context.Context, root, dir string) (string, error) {
	program := filepath.Join(dir, v.Name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	cmd.Dir = filepath.Join(root, filepath.FromSlash(v.Package))
	cmd.Env = append(os.Environ(), "GOWORK=off") // its own go.mod, as its users have it
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fleet: build %s: %w\n%s", v.Name, err, strings.TrimSpace(string(out)))
	}
	return program, nil
}
