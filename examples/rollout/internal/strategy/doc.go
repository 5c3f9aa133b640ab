// Package strategy has the ways to deploy, and what becomes of each.
//
//	rolling    v1 to v2 one by one; v3, which is never ready, is rolled back
//	bluegreen  blue ─► green ─► blue ─► green, with event streams open
//	canary     v2, which is bad: 5 %, rolled back; v3: 5, 20, 50, 100 %, promoted
//	schema     old ─► dual write ─► read new ─► new ─► read new ─► new, a deploy after
//	           each step forward, a back-fill after the first
//
// The invariant: no request fails, no read is stale, no stream is cut without a word. With
// Options.Naive each, but rolling, is done as most do it, and loses something.
package strategy
