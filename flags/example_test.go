package flags_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/handover-go/handover/flags"
)

var newCheckout = flags.Bool("new-checkout-flow", false, flags.About{Owner: "payments", Expires: "2027-03-01"})

// A service declares what it reads, tells the client of it, and asks.
func Example() {
	definitions := flags.Static(`{
	  "metadata": {"version": "3", "bucketing": "v1"},
	  "flags": {
	    "new-checkout-flow": {
	      "state": "ENABLED",
	      "variants": {"on": true, "off": false},
	      "defaultVariant": "off",
	      "targeting": {"if": [
	        {"ends_with": [{"var": "email"}, "@example.com"]}, "on",
	        {"fractional": [["on", 20], ["off", 80]]}
	      ]}
	    }
	  }
	}`)
	fl := flags.New(definitions, flags.Config{}, newCheckout)
	if err := fl.Start(context.Background()); err != nil {
		log.Fatal(err)
	}

	subjectOf := func(r *http.Request) flags.Subject {
		user := r.Header.Get("User")
		return flags.Subject{Key: user, Attributes: map[string]any{"email": user + "@example.com"}}
	}
	api := fl.Middleware(subjectOf, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if newCheckout.On(r.Context()) {
			_, _ = io.WriteString(w, "the new checkout")
			return
		}
		_, _ = io.WriteString(w, "the old checkout")
	}))

	r := httptest.NewRequest(http.MethodGet, "/checkout", http.NoBody)
	r.Header.Set("User", "ada")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	fmt.Println(w.Body)
	// Output: the new checkout
}

// A job has no request: it pins by itself, and one pin is one version of everything.
func ExampleClient_Pin() {
	batch := flags.Int("batch-size", 100)
	fl := flags.New(flags.Static(`{"flags": {"batch-size": {
	  "state": "ENABLED", "variants": {"small": 10, "large": 1000}, "defaultVariant": "small"
	}}}`), flags.Config{}, batch)
	if err := fl.Start(context.Background()); err != nil {
		log.Fatal(err)
	}

	ctx := fl.Pin(context.Background(), flags.Subject{Key: "nightly-export"})
	d := batch.Detail(ctx)
	fmt.Println(d.Value, d.Variant, d.Reason)
	// Output: 10 small STATIC
}

// Whoever forgets to pin gets the default, and is told.
func ExampleFlag_Detail() {
	fmt.Println(newCheckout.Detail(context.Background()).Reason)
	// Output: UNPINNED
}

// In a test a flag has the value that the test gives it, beside other tests.
func ExampleFlag_With() {
	ctx := newCheckout.With(context.Background(), true)
	fmt.Println(newCheckout.On(ctx))
	// Output: true
}

// A kill is for the moment when something burns.
func ExampleClient_Kill() {
	fl := flags.New(flags.Static(`{"flags": {"new-checkout-flow": {
	  "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"
	}}}`), flags.Config{}, newCheckout)
	if err := fl.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
	ctx := fl.Pin(context.Background(), flags.Subject{Key: "ada"})
	fmt.Println(newCheckout.On(ctx))
	if err := fl.Kill("new-checkout-flow", "payments are failing"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(newCheckout.On(ctx))
	// Output:
	// true
	// false
}
