// Package rampconsole shows the ramps of a ramp.Member to the people who run the service,
// as a page and as JSON.
//
//	ramps, err := rampconsole.New(r, rampconsole.Config{})
//	lifecycle.Component{Name: "ramps' page", Run: ramps.Run}
//	adminMux.Handle("/ramps/", ramps)
//
// Of each ramp there are: a bar per arm, with its requests, failures and latencies; what
// is waited for, and for whom; what each guard says; the last changes; and, as pictures,
// the share, and the evidence against its threshold, over time:
//
//	Run, once a second ──► points in memory ──► page | JSON
//
// Without Run there are no pictures. They are of what this process has seen since the ramp
// began to run, in 600 points at the most: when there are more, every second one goes. They
// end a minute after the ramp has ended.
//
// A browser gets the page, without scripts and with nothing that is loaded; who does not ask
// for HTML gets JSON. It is for the admin port: names of instances and of metrics are on it.
//
// The invariant: nothing is changed by looking, and nobody is asked: a page is made of what
// the member has in memory. To pause, resume and abort there are pgramp and SQL, to kill
// there is package console.
package rampconsole
