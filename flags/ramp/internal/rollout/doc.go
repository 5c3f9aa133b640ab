// Package rollout reads and writes what a ramp needs to know of a flag's definition: the
// share of subjects for whom it is on, and its x-ramp.
//
// The share is that of a fractional with one arm that is true and one that is false; of
// the only one that there is, wherever in the targeting it stands:
//
//	"targeting": {"if": [{"==": [{"var": "country"}, "at"]},
//	    {"fractional": [["on", 20], ["off", 80]]}, "off"]}     a share of 20 %, of those in at
//
// A definition without targeting has none, and gets it: 0 % if its default is false.
// The invariant: nothing else in a definition changes but these two weights.
package rollout
