package rampconsole_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/rampconsole"
)

// On the admin port, beside probes and metrics. Its Run goes into the list of components.
func ExampleNew() {
	checkout := flags.Bool("new-checkout", false)
	client := flags.New(flags.Static(`{"flags": {}}`), flags.Config{}, checkout)
	member := ramp.New(client, nil, ramp.Config{ID: "web-1"}, ramp.Plan{Flag: checkout, Steps: []float64{5, 20, 50, 100}})
	ramps, err := rampconsole.New(member, rampconsole.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	admin := http.NewServeMux()
	admin.Handle("/ramps/", ramps)

	w := httptest.NewRecorder() // a browser
	r := httptest.NewRequest(http.MethodGet, "/ramps/", http.NoBody)
	r.Header.Set("Accept", "text/html")
	admin.ServeHTTP(w, r)
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "<h2>") || strings.HasPrefix(line, "<p>") {
			fmt.Print(line)
		}
	}
	// Output:
	// <p>Nobody leads: web-1 has not met a store.</p>
	// <h2>new-checkout</h2>
	// <p>not begun, at 0 %. </p>
	// <p>No guard.</p>
}
