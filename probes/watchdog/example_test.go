package watchdog_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/watchdog"
)

func alive(health *probes.Set) int {
	recorder := httptest.NewRecorder()
	health.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/livez", nil))
	return recorder.Code
}

// A worker that takes its jobs from a channel: a job may take less than half a
// minute, the wait for one may take for ever.
func Example() {
	var orders sync.Mutex
	shipped := 0
	jobs, done := make(chan string), make(chan string)

	health := probes.New(probes.Config{})
	dog := watchdog.New(watchdog.Config{})
	loop := dog.Heartbeat("worker-loop", 30*time.Second)
	if err := health.Add(
		loop.Check(),
		watchdog.Lock("orders", &orders, 10*time.Second),
	); err != nil {
		fmt.Println(err)
		return
	}

	// In a program these are components: the first two, and one of the last.
	var components sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	components.Go(func() { _ = health.Run(ctx) })
	components.Go(func() { _ = dog.Run(ctx) })
	components.Go(func() {
		for job := range jobs { // waits, paused
			loop.Beat()
			orders.Lock()
			shipped++
			orders.Unlock()
			loop.Pause()
			done <- job
		}
	})

	jobs <- "a job"
	fmt.Println(<-done, "is done,", alive(health))
	close(jobs)
	cancel()
	components.Wait()
	fmt.Println("shipped:", shipped)
	// Output:
	// a job is done, 200
	// shipped: 1
}

// A loop that hangs fails liveness until it turns again; there is nobody here to
// restart it.
func ExampleHeartbeat() {
	health := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
	dog := watchdog.New(watchdog.Config{})
	loop := dog.Heartbeat("worker-loop", 50*time.Millisecond) // for an example; 30 s, say
	check := loop.Check()
	check.Interval = 10 * time.Millisecond
	if err := health.Add(check); err != nil {
		fmt.Println(err)
		return
	}
	var components sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	components.Go(func() { _ = health.Run(ctx) })
	components.Go(func() { _ = dog.Run(ctx) })

	rounds := make(chan bool)
	components.Go(func() {
		for range rounds {
			loop.Beat()
		}
	})
	rounds <- true
	for alive(health) == http.StatusOK { // a prober comes back
		<-time.After(time.Millisecond)
	}
	fmt.Println("the loop hangs:     ", alive(health))

	for alive(health) != http.StatusOK {
		rounds <- true
		<-time.After(time.Millisecond)
	}
	fmt.Println("the loop turns again")
	close(rounds)
	cancel()
	components.Wait()
	// Output:
	// the loop hangs:      503
	// the loop turns again
}

// A lock that nobody releases is found by the second run of its check.
func ExampleLock() {
	var orders sync.Mutex
	health := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
	check := watchdog.Lock("orders", &orders, 10*time.Millisecond) // for an example; 10 s, say
	check.Interval = 10 * time.Millisecond
	if err := health.Add(check); err != nil {
		fmt.Println(err)
		return
	}
	orders.Lock()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- health.Run(ctx) }()

	for alive(health) == http.StatusOK { // a prober comes back
		<-time.After(time.Millisecond)
	}
	fmt.Println("locked:  ", alive(health))
	orders.Unlock()
	for alive(health) != http.StatusOK {
		<-time.After(time.Millisecond)
	}
	fmt.Println("released:", alive(health))
	cancel()
	fmt.Println(<-ended)
	// Output:
	// locked:   503
	// released: 200
	// <nil>
}

// A limit that cannot be meant is an error of Run, which is the first to return one.
func ExampleDog_Run() {
	dog := watchdog.New(watchdog.Config{})
	loop := dog.Heartbeat("worker-loop", 0)
	loop.Beat()
	fmt.Println(dog.Run(context.Background()))
	// Output:
	// watchdog: run: heartbeat "worker-loop": the limit is 0s: give more than zero, several times what a round of the loop takes
}
