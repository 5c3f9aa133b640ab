package main

import (
	"cmp"
	"os"
	"runtime/debug"
)

// revision is the version of a build that nobody has named by -version: what the image
// says, or the commit.
func revision() string {
	var commit string
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	return cmp.Or(os.Getenv("VERSION"), commit, "unknown")
}
