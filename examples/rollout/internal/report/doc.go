// Package report draws what a deployment did, second by second.
//
//	os.WriteFile("report.html", []byte(report.Page(runs)), 0o644)
//
// [Page] is for a browser, [Picture] for a README. Both have the same pictures, over the
// same time, which begins with the load:
//
//	answers per second     by version, one on the other: where it is lower, some were lost
//	failures per second    on a scale of their own
//	p99                    on the page only
//	processes              starting, ready, and from the signal to the exit
//
// Steps are numbered where they happened, and named below. A page has each picture twice,
// for a wide and a narrow window, and the numbers as a table.
//
// The invariant: whatever the texts and the numbers are, what comes out is well-formed,
// needs nothing from elsewhere and runs nothing.
package report
