// Package promshutdown shows a shutdown.Server to Prometheus: what is in flight
// now, and, once it has stopped, how.
//
//	prometheus.MustRegister(promshutdown.New(api, promshutdown.Config{Name: "api"}))
//
//	handover_shutdown_requests_in_flight{server}        requests that are being answered
//	handover_shutdown_connections{server,state}         new, reading, active, idle, hijacked
//	handover_shutdown_step_seconds{server,step}         when each step came, from the signal on
//	handover_shutdown_last_new_seconds{server}          when the last new connection came, likewise
//	handover_shutdown_requests{server,outcome}          finished or refused, since the stop began
//	handover_shutdown_connections_closed{server,reason} given_up after long silence, told to end
//	handover_shutdown_cut{server,kind}                  request, hijacked, told
//
// The last five are there from the end of the stop on. Between that and the end of
// the admin server are milliseconds, so a scraper usually misses them: who wants
// them pushes Server.Report, or puts a component between the two whose Stop waits
// for one more scrape.
//
// A scrape looks at each connection once, which takes a millisecond for ten
// thousand.
package promshutdown
