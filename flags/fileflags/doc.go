// Package fileflags reads flag definitions from a file, and notices when they change.
//
// The file may be mounted from a ConfigMap, written by an editor or in place:
//
//	what happens                              what is done
//	..data is renamed over (kubelet)          every link of the path is watched
//	rename-over, remove and make again        names are watched, in their directories
//	a directory is missing, or made again     and so is each directory's own name
//	written in place, in pieces               changed comes when it is quiet, and Load
//	                                          reads when nothing was written for Settle
//	no file, an empty one, one of 17 MiB      Load returns an error
//	no watch to be had (the limit, NFS)       Watch returns an error, or nothing at all:
//	                                          the Client's interval is what finds it then
//
// The invariant: what is written after Load has looked is followed by a call of
// changed. A watch is placed on a directory before a name in it is looked up, and
// placed anew after each change, so that nothing falls between the two.
//
// It cannot tell a whole document from a part when the writer pauses for longer than
// Settle. A part of a JSON document is no JSON, which the Client refuses; but who
// overwrites in place may leave a mixture that is. Write a temporary file beside it
// and rename that. A file that is mounted by subPath never changes: mount the directory.
//
// Whether the definitions make sense is for the Client to say.
package fileflags
