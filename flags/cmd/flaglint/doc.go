// Command flaglint reads sets of flag definitions, in flagd's format, and says what a
// Client would refuse and what somebody will be sorry for.
//
//	go run github.com/handover-go/handover/flags/cmd/flaglint [-strict] [-json] FILE…
//
// A mistake is a line on the standard output, as compilers write theirs, and so is a
// warning, with its rule's name at the end:
//
//	flags.json:12:25: flags.a.defaultVariant: names no variant "onn"; instead: "on"
//	flags.json:1:1: warning: metadata: no bucketing is named, …; instead: … (bucketing-unnamed)
//
// With -json it is an object: file, line, column, path, problem, instead, and for a
// warning rule. FILE may be - for the standard input. The status is
//
//	0  there is no mistake; with -strict, no warning either
//	1  there is one
//	2  a file cannot be read, or flaglint was called wrongly; all other files have been read
//
// A file of another tool that is no set of flags is a mistake, not a file to skip.
package main
