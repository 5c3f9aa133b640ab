// Package browser opens the pages for people in a headless Chromium, on a desk and on a
// phone, by day and by night, and looks at them as a person would:
//
//	flags/console            all kinds of trouble; on the admin port of examples/complete a
//	                         flag is killed by a click, and the kill is taken back
//	flags/ramp/rampconsole   a ramp under way, with its pictures
//	dbcompat/change/console  a change between two stages
//	probes                   the page of the admin handler
//	examples/rollout         the report of a run
//	examples/canary          the same
//
// The invariant: no script fails, nothing is refused or not found, no page is wider than
// its screen, all text is large and dark enough to be read, and no picture is cut off.
// Each of these has a page in planted_test.go that breaks it.
//
// BROWSER_SHOTS=dir go test ./... keeps a screenshot of each page and screen. Whether a
// page is beautiful no test says.
//
// It is a module of its own: the driver is nobody's matter but the tests'.
package browser
