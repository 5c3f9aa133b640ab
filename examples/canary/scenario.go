package main

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// The old version, and what is slow: more than twice what it takes. The times are long so
// that a machine that is busy with other things does not make them longer by much.
const (
	usual     = 150 * time.Millisecond
	usualFail = 0.002
	tooSlow   = 360 * time.Millisecond
)

// A scenario is a new version, and what has to come of it.
type scenario struct {
	name    string
	is      string
	version version
	want    string
}

// The outcomes.
const (
	promoted   = "promoted"
	rolledBack = "rolled_back"
	unfinished = "unfinished"
)

func scenarios() []scenario {
	return []scenario{
		{"healthy", "a new version that is as good as the old one", version{"new", usual, usualFail}, promoted},
		{"failing", "a new version that fails 10 % of its requests", version{"new", usual, 0.1}, rolledBack},
		{"slow", "a new version that takes three times as long", version{"new", 3 * usual, usualFail}, rolledBack},
	}
}

func oldVersion() version { return version{"old", usual, usualFail} }

// A version of the service takes its time, a tenth more or less, and fails now and then.
type version struct {
	name  string
	takes time.Duration
	fails float64
}

// The headers by which load and service know each other.
const (
	userHeader    = "User"
	numberHeader  = "Number" // of the request: how it goes is decided by it, in each run the same
	versionHeader = "Version"
)

func (v version) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dice := diceOf(r.Header.Get(numberHeader))
	takes := time.Duration(float64(v.takes) * (0.9 + 0.2*dice.Float64()))
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return
	}
	w.Header().Set(versionHeader, v.name)
	if dice.Float64() < v.fails {
		http.Error(w, "no such column", http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, "order "+strconv.Itoa(dice.IntN(10_000)))
}

func diceOf(text string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return rand.New(rand.NewPCG(h.Sum64(), 0))
}
