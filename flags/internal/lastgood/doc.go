// Package lastgood keeps the last good document on disk, so that a restart comes up
// with it while the store is down.
//
//	a header     handover-flags 1 <revision> <time> <length> <SHA-256 of header and document>
//	a document   as it came, so that a person can read it
//
// Store writes a temporary file beside it, syncs that, renames it and syncs the
// directory. Load believes nothing that the checksum does not cover.
//
// The invariant: at path is always the whole of a document that was stored, and once
// Store has returned nil, that one or a later one; after a kill at any byte, after a
// disk that is full, and while others store. So no start fails for a backup that is
// half written (Unleash/unleash-node-sdk#418).
//
// The sum finds what disks and people do, and no forgery: who may write the file may
// make another. Of several who store at once, the last one wins, whatever its revision.
package lastgood
