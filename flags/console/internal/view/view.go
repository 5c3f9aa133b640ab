package view

import (
	"encoding/json"
	"time"

	"github.com/handover-go/handover/internal/adminpage"
)

// Shown is one of Overview, Explained and Problem. Its fields are the JSON.
type Shown interface{ write(*adminpage.Page) }

// Overview is all flags, and what is in force.
type Overview struct {
	Version          string     `json:"version"`
	Origin           string     `json:"origin"`
	Confirmed        *time.Time `json:"confirmed,omitempty"` // when the source last stood by it
	Age              string     `json:"age,omitempty"`
	Stale            bool       `json:"stale"`
	Frozen           bool       `json:"frozen"`
	Writable         bool       `json:"writable"`
	Errors           []string   `json:"errors,omitempty"`
	DroppedExposures uint64     `json:"dropped_exposures,omitempty"`
	Flags            []Flag     `json:"flags"`
}

// Flag is what is known of one.
type Flag struct {
	Key      string    `json:"key"`
	Type     string    `json:"type"`
	Declared bool      `json:"declared"`
	Defined  bool      `json:"defined"`
	Disabled bool      `json:"disabled,omitempty"`
	Killed   string    `json:"killed,omitempty"` // why
	Problem  string    `json:"problem,omitempty"`
	Owner    string    `json:"owner,omitempty"`
	Expires  string    `json:"expires,omitempty"`
	Expired  bool      `json:"expired,omitempty"`
	Answers  []Answers `json:"answers,omitempty"`
	NoKey    uint64    `json:"no_key,omitempty"`
	Unpinned uint64    `json:"unpinned,omitempty"`
}

// Answers is how often there was one answer.
type Answers struct {
	Variant string `json:"variant,omitempty"` // none: the default
	Reason  string `json:"reason"`
	Count   uint64 `json:"count"`
}

// Explained is what one subject gets, and why.
type Explained struct {
	Flag    string `json:"flag"`
	Default bool   `json:"default"` // the one in the code; there is no value then
	Value   any    `json:"value,omitempty"`
	Variant string `json:"variant,omitempty"`
	Reason  string `json:"reason"`
	Code    string `json:"code,omitempty"`
	Rule    string `json:"rule,omitempty"`
	NoKey   bool   `json:"no_key,omitempty"`
	Version string `json:"version"`
	Age     string `json:"age,omitempty"`
	Killed  string `json:"killed,omitempty"` // why

	Of    Flag  `json:"-"`
	Asked Asked `json:"-"`
	Form  Form  `json:"-"`
}

// Asked is for whom.
type Asked struct {
	Subject    string
	Attributes map[string]any
}

// Form says what the page lets people do.
type Form struct {
	Writable, Token bool
	MaxText         int // of why and who, in bytes
}

// Problem is why there is no other answer.
type Problem struct {
	Error string   `json:"error"`
	Near  []string `json:"near,omitempty"` // flags that may have been meant

	Code             int    `json:"-"`
	Allow, Challenge string `json:"-"` // headers
}

// JSON is for programs. What cannot be JSON is an error.
func JSON(s Shown) ([]byte, error) {
	body, err := json.MarshalIndent(s, "", "  ")
	return append(body, '\n'), err
}

// Age is a duration that a person reads.
func Age(d time.Duration) string {
	unit := time.Millisecond
	if d >= 10*time.Second {
		unit = time.Second
	}
	return max(0, d).Round(unit).String()
}
