// Package load is what users of examples/complete do: search, look at somebody, rename
// somebody, join.
//
// Each request is sent once, at its time, whether or not earlier ones have been answered.
// Names are numbered, and of each user one write is under way at a time, so that there is a
// number which was acknowledged last. A read that began after that and finds an earlier one
// is stale, and a write whose number is not there in the end is lost.
package load
