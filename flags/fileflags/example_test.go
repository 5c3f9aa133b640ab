package fileflags_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/handover-go/handover/flags/fileflags"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "flags.json")
	if err := os.WriteFile(path, []byte(`{"flags": {}}`), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	file := fileflags.New(path, fileflags.Config{})
	doc, err := file.Load(context.Background())
	fmt.Printf("%s %v\n", doc.JSON, err)
	// Output: {"flags": {}} <nil>
}
