package lastgood

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	magic   = "handover-flags"
	version = "1"

	// limit is four times what a source reads. It keeps a file that is something else
	// out of memory.
	limit = 64 << 20

	// header is more than a header is long.
	header = 256
)

// Doc is a document, and what is known of it.
type Doc struct {
	JSON     []byte
	Revision int64     // 0: not counted
	Saved    time.Time // what the caller says it is; Load returns it in UTC
}

// check says why it cannot be stored.
func (d Doc) check() error {
	var mistakes []error
	if len(d.JSON) == 0 {
		mistakes = append(mistakes, errors.New("the document is empty"))
	}
	if len(d.JSON) > limit {
		mistakes = append(mistakes, tooLarge("the document"))
	}
	if d.Revision < 0 {
		mistakes = append(mistakes, fmt.Errorf("revision %d: they count from 1, and 0 is none", d.Revision))
	}
	if year := d.Saved.UTC().Year(); year < 1970 || year > 9999 {
		mistakes = append(mistakes, fmt.Errorf("saved in the year %d: set Saved to the present", year))
	}
	return errors.Join(mistakes...)
}

// head is the header of a document that passes check.
func (d Doc) head() []byte {
	line := fmt.Sprintf("%s %s %d %s %d ", magic, version, d.Revision, d.Saved.UTC().Format(time.RFC3339Nano), len(d.JSON))
	sum := sha256.New()
	sum.Write([]byte(line)) // never fails, says package hash
	sum.Write(d.JSON)
	return fmt.Appendf(nil, "%s%x\n", line, sum.Sum(nil))
}

// decode reads what Store has written, and nothing else: what it returns without an
// error has the same bytes when it is stored again.
func decode(content []byte) (Doc, error) {
	if len(content) == 0 {
		return Doc{}, errors.New("it is empty")
	}
	line, body, whole := bytes.Cut(content, []byte("\n"))
	doc, length, err := parse(string(line[:min(len(line), header)]), whole)
	if err != nil {
		return Doc{}, err
	}
	if len(body) < length {
		return Doc{}, fmt.Errorf("it is cut short: its document has %d bytes of %d", len(body), length)
	}
	doc.JSON = body
	// All of it is made again and compared, so that one thing has one spelling.
	if !bytes.Equal(doc.head(), content[:len(line)+1]) {
		return Doc{}, errors.New("its checksum is wrong: it is damaged, or was changed")
	}
	if err := doc.check(); err != nil {
		return Doc{}, err
	}
	return doc, nil
}

// parse reads a header, but for the sum; whole says that it had an end.
func parse(line string, whole bool) (doc Doc, length int, err error) {
	fields := strings.Split(line, " ")
	switch {
	case fields[0] != magic:
		return Doc{}, 0, fmt.Errorf("it does not begin with %q: it is something else, or cut short", magic)
	case len(fields) > 2 && fields[1] != version:
		return Doc{}, 0, fmt.Errorf("its format is %q, and this program reads %q", fields[1], version)
	case !whole || len(fields) != 6:
		return Doc{}, 0, errors.New("its header is cut short, or damaged")
	}
	var errs [3]error
	doc.Revision, errs[0] = strconv.ParseInt(fields[2], 10, 64)
	doc.Saved, errs[1] = time.Parse(time.RFC3339Nano, fields[3])
	length, errs[2] = strconv.Atoi(fields[4])
	if err := errors.Join(errs[:]...); err != nil {
		return Doc{}, 0, fmt.Errorf("its header is damaged: %w", err)
	}
	return doc, length, nil
}

func tooLarge(what string) error {
	return fmt.Errorf("%s is larger than %d MiB", what, limit>>20)
}
