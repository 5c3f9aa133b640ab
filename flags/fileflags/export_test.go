package fileflags

import (
	"io/fs"
	"os"
)

// Advise is what is said of limits that a test cannot lower for itself alone.
func Advise(err error) error { return advise(err) }

// Whole reads a file that was like this before; between the two is where a writer
// has to strike.
func Whole(file *os.File, before fs.FileInfo) ([]byte, error) { return whole(file, before, 0) }
