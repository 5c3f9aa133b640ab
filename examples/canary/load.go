package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const users = 2000

// mostInFlight keeps a machine that cannot follow from drowning: then it is asked less.
const mostInFlight = 500

// A load is requests of many users, each due at its time whether or not the ones before
// it have been answered, as long as there are not too many of those.
type load struct {
	client *http.Client
	urls   []string

	mu     sync.Mutex
	arms   map[string]*arm
	failed error // of the load itself, the first one
}

// An arm is what the users have seen of one version.
type arm struct {
	Requests, Failures, Slow int
	hurt                     map[string]bool // by whom it failed, or who waited for too long
}

func newLoad(urls []string) *load {
	return &load{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}, Timeout: time.Minute},
		urls:   urls,
		arms:   map[string]*arm{"new": {hurt: map[string]bool{}}, "old": {hurt: map[string]bool{}}},
	}
}

// run sends until ctx ends, and waits for what is in flight.
func (l *load) run(ctx context.Context, rate int, seed uint64) {
	var wg sync.WaitGroup
	defer l.client.CloseIdleConnections()
	defer wg.Wait()
	request := context.WithoutCancel(ctx) // what was sent is answered
	dice := rand.New(rand.NewPCG(seed, 1))
	every := time.Second / time.Duration(rate)
	room := make(chan struct{}, mostInFlight)
	for n, due := 0, time.Now(); ; n, due = n+1, due.Add(every) {
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return
		}
		user, number := fmt.Sprintf("user-%d", dice.IntN(users)), fmt.Sprintf("%d of %d", n, seed)
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wg.Go(func() {
			defer func() { <-room }()
			l.send(request, l.urls[n%len(l.urls)], user, number)
		})
	}
}

func (l *load) send(ctx context.Context, url, user, number string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		l.count(user, "", 0, 0, err)
		return
	}
	r.Header.Set(userHeader, user)
	r.Header.Set(numberHeader, number)
	sent := time.Now()
	answer, err := l.client.Do(r)
	if err != nil {
		l.count(user, "", 0, 0, err)
		return
	}
	took := time.Since(sent)
	_ = answer.Body.Close()
	l.count(user, answer.Header.Get(versionHeader), answer.StatusCode, took, nil)
}

func (l *load) count(user, version string, status int, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.arms[version]
	if a == nil {
		if err == nil {
			err = fmt.Errorf("an answer of status %d, of no version", status)
		}
		if l.failed == nil {
			l.failed = err
		}
		return
	}
	a.Requests++
	if status != http.StatusOK {
		a.Failures++
	}
	if took > tooSlow {
		a.Slow++
	}
	if status != http.StatusOK || took > tooSlow {
		a.hurt[user] = true
	}
}

// seen is what there is so far.
func (l *load) seen() (isNew, old arm, hurt int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.arms["new"], *l.arms["old"], len(l.arms["new"].hurt), l.failed
}
