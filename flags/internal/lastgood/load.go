package lastgood

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// Load returns what was stored last. If there is nothing the error is fs.ErrNotExist;
// anything else says what is wrong with the file, which is left as it is.
func Load(path string) (Doc, error) {
	content, err := read(path)
	if err != nil {
		return Doc{}, failed("load", path, err)
	}
	doc, err := decode(content)
	if err != nil {
		return Doc{}, failed("load", path, err)
	}
	return doc, nil
}

func read(path string) ([]byte, error) {
	// Without waiting, should somebody have put a named pipe there.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is no regular file (%v)", info.Mode())
	}
	if info.Size() > limit+header {
		return nil, tooLarge("it")
	}
	// Of a file that has grown since, the sum will be wrong.
	return io.ReadAll(io.LimitReader(file, limit+header))
}
