// Package promprobes shows a probes.Set to Prometheus: what the probes say and why,
// what the checks cost, and who asks.
//
//	prometheus.MustRegister(promprobes.New(health, promprobes.Config{}))
//
//	handover_probes_status{probe,status}               1 for what it says, 0 for the others
//	handover_probes_reason{probe,reason}               starting, draining
//	handover_probes_transitions_total{probe,to}        how often it has turned to a status
//	handover_probes_requests_total{probe,code,agent}   200 or 503, and the kind of prober
//	handover_probes_drain_observed_seconds             until each balancer had been told
//	handover_probes_check_status{probe,check,status}   gates and toggles as well
//	handover_probes_check_reason{probe,check,reason}   error, timeout, stale, one of its own ...
//	handover_probes_check_fails_open{probe,check}      1 while a shared check fails and does not count
//	handover_probes_check_runs_total{probe,check,result}
//	handover_probes_check_duration_seconds{probe,check}
//	handover_probes_check_age_seconds{probe,check}     of the verdict; grows if nobody judges
//
// Each has the label set besides. The probe is startup, readiness or liveness; it is
// not called endpoint, as the Prometheus Operator gives each target a label of that
// name, and would rename ours.
//
// A scrape runs no check and waits for none, so one that hangs keeps no scrape. It
// takes a snapshot of all series at one moment.
//
// A probe that nobody has configured cannot be seen from inside, but for this:
//
//	handover_probes_status{probe="readiness",status="pass"} == 1
//	  unless on (instance, set, probe) handover_probes_requests_total
//
// What probes/dialect answers counts as 200 or 503, by what it means. The text of
// errors is no label: it is in the log, and on the page of AdminHandler.
package promprobes
