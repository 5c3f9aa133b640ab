// Package promramp shows the ramps of a ramp.Member, and its guards, to Prometheus.
//
//	prometheus.MustRegister(promramp.New(r, promramp.Config{}))
//
//	handover_ramp_leader                     1 if this process takes the steps
//	handover_ramp_instances                  that live, as this process knows it
//	handover_ramp_met_timestamp_seconds      when the store last answered; none if never
//	handover_ramp_failing                    1 if the last call to the store brought an error
//	handover_ramp_omitted                    ramps without series; see Config.MaxRamps
//	handover_ramp_state{flag,state}          1 for what it is: new, running, paused, stopped, done
//	handover_ramp_share{flag}                of subjects for whom the flag is on, from 0 to 1
//	handover_ramp_next_share{flag}           the next step; none if there is none
//	handover_ramp_step_timestamp_seconds{flag}    when the present step began
//	handover_ramp_bake_left_seconds{flag}
//	handover_ramp_waiting{flag}              for how many things; the page says for which
//	handover_ramp_killed{flag}
//	handover_ramp_guard{flag,by,state}       1 for what it is: holding, passing, tripped
//	handover_ramp_evidence{flag,by,metric}   that the bound is broken
//	handover_ramp_evidence_threshold{flag,by,metric}    from which on it is enough
//	handover_ramp_requests_total{flag,metric,arm}
//	handover_ramp_failures_total{flag,metric,arm}
//
// By is instance for the guard of this process, and fleet for that of all together, which
// only the leader has. The arms are new and control, counted by this process: sum them up.
// A ramp that waits for long is one to look at:
//
//	handover_ramp_waiting > 0 and on(flag) time() - handover_ramp_step_timestamp_seconds > 3600
//
// The invariant: series are bounded, no counter ever goes back, and a scrape reads memory
// and asks no store. Why something waits, and for whom, is no label.
package promramp
