// Package promflags shows a flags.Client to Prometheus: what is in force, how old it is,
// and which flags give what, and why.
//
//	prometheus.MustRegister(promflags.New(fl, promflags.Config{}))
//
//	handover_flags_info{version,origin}       1 for the set in force
//	handover_flags_age_seconds                since the source stood by it; none if it never has
//	handover_flags_stale                      1 if it does not any more (flags.Config.StaleAfter), or there is no set
//	handover_flags_frozen                     1 after Freeze
//	handover_flags_failing                    1 if the last question to a source brought an error
//	handover_flags_exposures_dropped_total
//	handover_flags_evaluations_total{flag,variant,reason}
//	handover_flags_no_key_total{flag}         rollouts passed over, as the subject had no key
//	handover_flags_unpinned_total{flag}       evaluations outside of any pin; declared flags
//	handover_flags_killed{flag}               1 while Kill forces it to its default
//	handover_flags_expired{flag}              1 from the day on which it should be gone
//	handover_flags_problem{flag,code}         1 while a declared flag cannot be evaluated
//	handover_flags_omitted                    flags without series; see Config.MaxFlags
//
// Each has the label client besides. The variant is empty for the default in the code,
// which says for a DISABLED flag that it is off, and for an ERROR that something is wrong.
//
// The invariant: series are bounded, and no counter ever goes back. A flag has at most
// MaxVariants variants, the first that were seen, and "other" for the rest; a flag for
// which there is no room is left out whole. A flag that is gone has no series, and if it
// returns its counters go on.
//
// Whether a rollout, or a kill, has reached everybody:
//
//	sum by (variant, reason) (rate(handover_flags_evaluations_total{flag="new-checkout"}[1m]))
//
// The text of errors is no label, nor is why a flag is killed: they are in the log and
// in the console. A subject is not in here at all.
package promflags
