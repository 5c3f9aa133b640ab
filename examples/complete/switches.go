package main

import (
	_ "embed"
	"net/http"

	"github.com/handover-go/handover/flags"
)

// bootstrap is what is in force if the database is away at the start, and what -migrate
// writes to it.
//
//go:embed flags.json
var bootstrap []byte

// giftWrap is a feature on its way to everybody.
func giftWrap() flags.Switch {
	return flags.Bool("gift-wrap", false, flags.About{Owner: "orders", Expires: "2028-03-01"})
}

// search is a kill switch: on by its definition, and off when it is killed, as a search
// is the first that a database in trouble can do without.
func search() flags.Switch {
	return flags.Bool("search", false, flags.About{Owner: "users"})
}

// subject is who asks: where a rollout puts them must not depend on the machine or the day.
func subject(r *http.Request) flags.Subject { return flags.Subject{Key: r.Header.Get("User")} }
