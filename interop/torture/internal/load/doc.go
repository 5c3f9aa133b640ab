// Package load is the clients: plain requests at random times, which do not depend
// on when earlier ones were answered, and beside them a few streams that never
// end, begin again when they are told to go, and count their messages.
//
// Nothing is retried, but for what was provably not processed; that is counted.
package load
