package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/handover-go/handover/dbcompat/change/console"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

// On the admin port, beside the probes. Without a database it says so, and goes on.
func ExampleNew() {
	w := walk.New(nil, "users-name", walk.Config{}) // with a pool
	admin, err := console.New(w, console.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/change/", http.StripPrefix("/change", admin))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest("GET", "/change/", nil))
	fmt.Print(answer.Code, "\n", answer.Body)
	// Output:
	// 503
	// {
	//   "error": "console: walk: plan users-name: the pool is nil: make one with pgxpool.New"
	// }
}
