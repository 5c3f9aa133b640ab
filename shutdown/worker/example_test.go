package worker_test

import (
	"context"
	"fmt"
	"time"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/worker"
)

// A worker whose job does not end in time gives it back to the broker.
func Example() {
	deliveries := make(chan string, 2) // a broker fills it
	deliveries <- "order 1"
	deliveries <- "order 2"

	begun := make(chan string)
	handle := func(ctx context.Context, order string) error {
		begun <- order
		if order == "order 1" {
			fmt.Println("shipped:", order)
			return nil
		}
		<-ctx.Done() // a slow one
		return ctx.Err()
	}
	nack := func(_ context.Context, order string, why error) error {
		fmt.Printf("handed back: %s (%v)\n", order, why)
		return nil
	}
	jobs := worker.New(worker.Chan(deliveries), handle, worker.Config[string]{HandBack: nack, Margin: time.Second})

	// As components:
	//
	//	{Name: "jobs", Run: jobs.Run, Stop: jobs.Shutdown}
	//	{Name: "jobs intake", Stop: jobs.Pause} in the last place
	ran := make(chan error)
	go func() { ran <- jobs.Run(context.Background()) }()
	<-begun
	<-begun

	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // of which half is margin
	defer cancel()
	fmt.Println(jobs.Pause(ctx), jobs.Shutdown(ctx), <-ran)
	// Output:
	// shipped: order 1
	// handed back: order 2 (context canceled)
	// <nil> <nil> <nil>
}

// What a request leaves to be done after its answer.
func ExampleQueue() {
	begun := make(chan struct{}, 2)
	mails := worker.NewQueue(100, func(_ context.Context, to string) error {
		begun <- struct{}{}
		fmt.Println("mail to", to)
		return nil
	}, worker.Config[string]{})

	// In a handler. The request's context is only how long it waits for room.
	ctx := context.Background()
	for _, to := range []string{"ann", "bob"} {
		if err := mails.Put(ctx, to); err != nil {
			fmt.Println(err)
		}
	}

	ran := make(chan error)
	go func() { ran <- mails.Run(ctx) }()
	<-begun // the other is still in the queue, or begun as well
	fmt.Println(mails.Shutdown(ctx), <-ran)
	fmt.Println(mails.Put(ctx, "cleo"))
	// Output:
	// mail to ann
	// mail to bob
	// <nil> <nil>
	// shutdown: put job: already stopped
}

// A periodic task takes no new turn after Pause, and finishes the one it is in.
func ExampleChan() {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	turns := make(chan struct{}, 2)
	tidy := worker.New(worker.Chan(ticker.C), func(context.Context, time.Time) error {
		select {
		case turns <- struct{}{}:
		default:
		}
		return nil
	}, worker.Config[time.Time]{})

	ran := make(chan error)
	go func() { ran <- tidy.Run(context.Background()) }()
	<-turns
	<-turns
	fmt.Println(tidy.Shutdown(context.Background()), <-ran)
	// Output: <nil> <nil>
}

// A job that lasts stops where it can go on later.
func ExampleConfig_handBack() {
	begun := make(chan struct{})
	export := func(ctx context.Context, table string) error {
		close(begun)
		for {
			select {
			case <-shutdown.Draining(ctx):
				return shutdown.ErrStopped // the pages so far are written
			case <-time.After(time.Millisecond):
			}
		}
	}
	tables := make(chan string, 1)
	tables <- "orders"
	exports := worker.New(worker.Chan(tables), export, worker.Config[string]{
		HandBack: func(_ context.Context, table string, _ error) error {
			fmt.Println("the next process goes on with", table)
			return nil
		},
	})

	ran := make(chan error)
	go func() { ran <- exports.Run(context.Background()) }()
	<-begun
	fmt.Println(exports.Shutdown(context.Background()), <-ran)
	// Output:
	// the next process goes on with orders
	// <nil> <nil>
}
