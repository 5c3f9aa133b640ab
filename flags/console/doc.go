// Package console shows a flags.Client to people, and lets them kill a flag.
//
//	admin, err := console.New(fl, console.Config{})
//	mux.Handle("/flags/", http.StripPrefix("/flags", admin))
//
//	GET  ./                                          all flags, and what is in force
//	GET  ./explain?flag=F&subject=S&attributes={...} what one subject gets, and why
//	POST ./explain                                   the same; no access log sees whom
//	POST ./kill     flag, why, who                   to its default, in this process
//	POST ./unkill   flag, who                        takes that back
//
// A POST has its fields in its body, as JSON or as a form, of 64 KiB at most. The answer
// is JSON, or a page to look at and to use for whoever names text/html. The page has no
// scripts and loads nothing. A flag that does not exist is 404, with those that may have
// been meant.
//
// Everybody who can reach it reads, texts of errors included, so put it where only the
// right people can. Writing is another matter:
//
//	Writable  Token  who writes
//	no        any    nobody
//	yes       set    who bears the token: Authorization: Bearer, or the field access_token
//	yes       none   who is on the machine, kubectl port-forward included
//
// On the machine means that both ends of the connection are loopback addresses, that
// the request is for a loopback name (a page of another site can point its own name
// here), and that no header tells of a proxy. A header never says who somebody is. A proxy
// on the same machine that adds none looks as if it were its user: behind one,
// configure a token. A browser's request from another site is refused in any case.
//
// The invariant: it changes nothing but kills, and a look at a flag does not count as an
// evaluation. A kill is of one process: to turn a flag off everywhere, disable it in the
// source.
package console
