package shutdown_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/handover-go/handover/shutdown"
)

// A program without package lifecycle: one server, one deadline.
func Example() {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	api := shutdown.HTTP(&http.Server{Addr: "127.0.0.1:0", Handler: mux}, shutdown.Config{})
	if err := api.Listen(ctx); err != nil {
		log.Fatal(err)
	}
	go func() {
		<-ctx.Done() // SIGTERM; from here on the context of a stop has only a deadline
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 28*time.Second)
		defer cancel()
		if err := api.Shutdown(limited); err != nil {
			log.Print(err)
		}
	}()
	go func() {
		resp, err := http.Get("http://" + api.Addr().String())
		if err != nil {
			log.Print(err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		fmt.Println(string(body))
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Signal(os.Interrupt) // as Ctrl-C does
	}()
	if err := api.Serve(context.WithoutCancel(ctx)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(context.Cause(ctx))
	// Output:
	// hello
	// interrupt signal received
}

func ExampleTracker() {
	var mails shutdown.Tracker

	done, err := mails.Begin("welcome mail")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("in flight:", mails.InFlight())
	go func() {
		defer done()
		fmt.Println("sent")
	}()

	if err := mails.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	_, err = mails.Begin("newsletter")
	fmt.Println(err)
	// Output:
	// in flight: 1
	// sent
	// shutdown: begin newsletter: already stopped
}
