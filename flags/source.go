package flags

import "context"

// Source is where the definitions are. Load returns the document as it is now, the
// whole of it; a Client calls it once to start, and from then on every
// Config.Interval. Its calls never overlap, and end with ctx. After an error what is in
// force stays; in an Override, fs.ErrNotExist says that there is none.
//
// A Source that notices changes by itself is a Watcher as well.
type Source interface {
	Load(ctx context.Context) (Document, error)
}

// Watcher is a Source that notices changes. Watch calls changed when there may be
// something new to Load, at once and as often as it likes (changed does not block), and
// returns when ctx ends. Other errors are logged by the Client, which calls Watch again
// after a pause, so that a Watcher need not repair itself. Load is called meanwhile.
type Watcher interface {
	Watch(ctx context.Context, changed func()) error
}

// Document is a set of definitions: flagd's JSON (https://flagd.dev/schema/v0/flags.json).
type Document struct {
	JSON []byte

	// Revision counts the changes of a Source that counts them, from 1. A Client
	// refuses a document with a lower one than it has: a replica that lags, a store
	// that was restored. 0 means not counted.
	Revision int64
}

// Static is a Source that does not change: definitions that are embedded in a program.
type Static []byte

// Load returns the definitions, each time the same ones and no error.
func (s Static) Load(context.Context) (Document, error) { return Document{JSON: s}, nil }
