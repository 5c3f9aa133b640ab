// Package httpflags reads flag definitions from a URL, at the Client's interval.
//
// A document that has not changed is not sent again:
//
//	the last answer had                the next request has       and if 304
//	ETag, weak or strong               If-None-Match              the same document
//	Last-Modified, well before Date    If-Modified-Since          the same document
//	neither                            nothing
//
// Last-Modified counts seconds. Of a document that was changed in the second before it
// was read there may be another version with the same time, so that is asked for whole.
//
// The invariant: what Load returns is the body of a 200, from its first byte to its
// last. All else is an error: another status, an empty body, one that breaks off or is
// larger than 16 MiB, a redirect from https to http.
//
// Errors say the scheme, host and path of the URL, and the status. They say nothing of
// its user, password or query, which may be secrets, nor of the body.
//
// There is no Watcher: how late a change is, is the Client's interval. Load does not
// repeat a request either, and does not heed Retry-After; the interval is the pause.
package httpflags
