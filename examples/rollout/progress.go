package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// lines are written whole, by whoever has one.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(line)
}

// say tells of an event.
func (s *site) say(format string, args ...any) {
	fmt.Fprintf(s.out, "%6.1f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// stage begins a step, which has a name for who watches.
func (s *site) stage(name string) {
	s.step = name
	s.say("-- %s", name)
}

// progress is a line a second: the step, who answers, and what has failed so far.
func (s *site) progress() {
	requests, failed, lately := s.load.Lately()
	if requests == 0 {
		return
	}
	all, shares := 0, ""
	for _, n := range lately {
		all += n
	}
	for _, version := range slices.Sorted(maps.Keys(lately)) {
		shares += fmt.Sprintf(", %s %d %%", version, 100*lately[version]/all)
	}
	s.say("%s%s; %d requests, %d failed", s.step, shares, requests, failed)
}
