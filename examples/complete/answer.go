package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is for one request, and for whatever else asks the database.
const patience = 5 * time.Second

// refusalError is an error whose text is for the client.
type refusalError struct {
	status int
	Text   string `json:"error"`
}

func (e *refusalError) Error() string { return e.Text }

// answered makes a handler of what answers with a value, or with an error.
func answered(status int, answer func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		value, err := answer(r.WithContext(ctx))
		if err != nil {
			refuse(w, r, err)
			return
		}
		send(w, status, value)
	}
}

// refuse shows nobody the text of an error that was not written to be shown.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var shown *refusalError
	switch {
	case errors.As(err, &shown):
	case errors.Is(err, pgx.ErrNoRows):
		shown = &refusalError{http.StatusNotFound, "there is no such thing"}
	case refusedFor(err, noText):
		shown = &refusalError{http.StatusBadRequest, "a text is UTF-8, without a zero"}
	default:
		if r.Context().Err() == nil { // else nobody is there any more
			slog.Error("a request has failed", "route", r.Pattern, "err", err)
		}
		w.Header().Set("Retry-After", "1")
		shown = &refusalError{http.StatusServiceUnavailable, "this cannot be done at the moment"}
	}
	send(w, shown.status, shown)
}

func send(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // who does not read it has gone
}

func read(r *http.Request, into any) error {
	const most = 16 << 10
	body := json.NewDecoder(http.MaxBytesReader(nil, r.Body, most))
	body.DisallowUnknownFields()
	if err := body.Decode(into); err != nil {
		return &refusalError{http.StatusBadRequest, "the body is not as it should be: " + err.Error()}
	}
	return nil
}
