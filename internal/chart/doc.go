// Package chart draws numbers over time, as an SVG that stands in a page:
//
//	svg := chart.Chart{Title: "share", Unit: "%", Lines: []chart.Line{{Name: "new", Points: points}}}.SVG()
//
// [Chart] is of numbers, [Rows] of what was there from when to when. A picture is one
// element with neither style nor script, so that it is the same below any policy for a
// page's content. Letters have the color of the page's; the other colors are those of a
// page of any brightness, and lines differ by dashes as well, bars by their shape. What is
// drawn is in words too, for who does not see it. Letters shrink with the picture: for a
// narrow page, draw one of a smaller Width.
//
// The invariant: whatever the numbers and the texts are, what comes out is well-formed,
// and all of it lies inside of the picture. Numbers that are none are gaps.
package chart
