// Package analysis judges a canary by its answers, beside those of the stable version.
//
//	Begin(v2) ──► Step: 5 % ──► Step: 20 % … ──► End
//	               └─ Passes: the share may grow; Trips: away with it
//
// The verdict is that of package flags/guard, which says how sure it is and why.
package analysis
