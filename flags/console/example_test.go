package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/console"
)

// An operator asks what a user gets, and kills the flag.
func Example() {
	checkout := flags.Bool("new-checkout", false)
	fl := flags.New(flags.Static(`{"flags": {"new-checkout": {
		"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{"==": [{"var": "country"}, "CH"]}, "on"]}
	}}}`), flags.Config{}, checkout)
	ctx := context.Background()
	if err := fl.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	admin, err := console.New(fl, console.Config{Writable: true}) // from this machine only
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/flags/", http.StripPrefix("/flags", admin))
	server := httptest.NewServer(mux)
	defer server.Close()

	explain := url.Values{"flag": {"new-checkout"}, "subject": {"anna"}, "attributes": {`{"country": "CH"}`}}
	response, err := server.Client().PostForm(server.URL+"/flags/explain", explain)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close() //nolint:errcheck // it is read to its end
	body, err := io.ReadAll(response.Body)
	fmt.Println(bytes.Contains(body, []byte(`"rule": "targeting.if[1]"`)), err)

	kill := url.Values{"flag": {"new-checkout"}, "why": {"errors go up"}, "who": {"ben"}}
	response, err = server.Client().PostForm(server.URL+"/flags/kill", kill)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close() //nolint:errcheck // nobody reads it
	user := flags.Subject{Key: "anna", Attributes: map[string]any{"country": "CH"}}
	fmt.Println(response.Status, checkout.On(fl.Pin(ctx, user)))
	// Output:
	// true <nil>
	// 200 OK false
}
