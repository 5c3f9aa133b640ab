package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/flags"
)

// routes are what the service does.
type routes struct {
	users     *users
	orders    *orders
	giftWrap  flags.Switch
	searching flags.Switch
}

// api is the mux, whose method Handler names the routes in the report of a stop, behind
// what each request goes through.
type api struct {
	*http.ServeMux
	way http.Handler
}

func (a api) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.way.ServeHTTP(w, r) }

func newAPI(s *routes, fl *flags.Client, answers *prometheus.HistogramVec, version string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /users", answered(http.StatusCreated, s.addUser))
	mux.HandleFunc("GET /users/{id}", answered(http.StatusOK, s.findUser))
	mux.HandleFunc("PUT /users/{id}", answered(http.StatusOK, s.renameUser))
	mux.HandleFunc("GET /search", answered(http.StatusOK, s.search))
	mux.HandleFunc("POST /search", answered(http.StatusOK, s.search)) // no log of requests has whom
	mux.HandleFunc("GET /search/live", s.searchLive)
	mux.HandleFunc("POST /orders", answered(http.StatusAccepted, s.placeOrder))
	mux.HandleFunc("GET /orders/{id}", answered(http.StatusOK, s.findOrder))
	mux.HandleFunc("GET /orders/{id}/events", s.followOrder)
	versioned := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Version", version)
		mux.ServeHTTP(w, r)
	})
	return api{mux, counted(answers, fl.Middleware(subject, versioned))}
}

func (s *routes) addUser(r *http.Request) (any, error) {
	name, err := nameIn(r)
	if err != nil {
		return nil, err
	}
	return s.users.add(r.Context(), name)
}

func (s *routes) findUser(r *http.Request) (any, error) {
	id, err := idIn(r)
	if err != nil {
		return nil, err
	}
	return s.users.find(r.Context(), id)
}

func (s *routes) renameUser(r *http.Request) (any, error) {
	id, err := idIn(r)
	if err != nil {
		return nil, err
	}
	name, err := nameIn(r)
	if err != nil {
		return nil, err
	}
	return user{id, name}, s.users.rename(r.Context(), id, name)
}

func (s *routes) search(r *http.Request) (any, error) {
	if !s.searching.On(r.Context()) {
		return nil, &refusalError{http.StatusServiceUnavailable, "there is no search at the moment"}
	}
	prefix := r.URL.Query().Get("q")
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1000))
		if err != nil {
			return nil, &refusalError{http.StatusBadRequest, "the body should be the beginning of a name"}
		}
		prefix = string(body)
	}
	return s.users.search(r.Context(), prefix)
}

func (s *routes) placeOrder(r *http.Request) (any, error) {
	var wanted struct {
		User  int64  `json:"user"`
		Item  string `json:"item"`
		Delay int    `json:"delay_seconds"` // for an order that is for later
	}
	if err := read(r, &wanted); err != nil {
		return nil, err
	}
	const year = 365 * 24 * 60 * 60
	if strings.TrimSpace(wanted.Item) == "" || wanted.Delay < 0 || wanted.Delay > year {
		return nil, &refusalError{http.StatusBadRequest, `say what, and perhaps when: {"user":1,"item":"tea","delay_seconds":60}`}
	}
	placed := order{User: wanted.User, Item: wanted.Item, GiftWrap: s.giftWrap.On(r.Context())}
	err := s.orders.place(r.Context(), &placed, time.Duration(wanted.Delay)*time.Second)
	if refusedFor(err, noSuchReference) {
		err = &refusalError{http.StatusNotFound, "there is no such user"}
	}
	return placed, err
}

func (s *routes) findOrder(r *http.Request) (any, error) { return s.order(r) }

func (s *routes) order(r *http.Request) (order, error) {
	id, err := idIn(r)
	if err != nil {
		return order{}, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	return s.orders.find(ctx, id)
}

func idIn(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, &refusalError{http.StatusBadRequest, "an id is a number"}
	}
	return id, nil
}

func nameIn(r *http.Request) (string, error) {
	var named struct {
		DisplayName string `json:"display_name"`
	}
	err := read(r, &named)
	if err == nil && strings.TrimSpace(named.DisplayName) == "" {
		err = &refusalError{http.StatusBadRequest, `say the name: {"display_name":"Ada"}`}
	}
	return named.DisplayName, err
}
