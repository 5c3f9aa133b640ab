// Package promdbcompat shows a change to Prometheus: what an instance is doing, and how
// far the fleet has come.
//
//	prometheus.MustRegister(promdbcompat.New(ch, promdbcompat.Config{Name: "users-name"}))
//
//	handover_dbcompat_stage{stage}                  1 for that of new transactions, 0 for the others
//	handover_dbcompat_epoch, _acknowledged_epoch    apart while transactions of before are open
//	handover_dbcompat_joined, _held, _ready, _failing
//	handover_dbcompat_lease_left_seconds            until it is fenced, if no renewal gets through
//	handover_dbcompat_pins{era}                     open transactions: present, earlier
//	handover_dbcompat_compared_total, _mismatches_total
//
// These are in the process. What only the database knows, a Fleet reads now and then, in
// its Run; one process of a fleet is enough for it:
//
//	handover_dbcompat_fleet_stage{stage}, _fleet_epoch, _fleet_settled, _fleet_hidden
//	handover_dbcompat_fleet_instances{stage}        by the stage that they have acknowledged
//	handover_dbcompat_fleet_behind, _fleet_lapsed   who is waited for, who is silent
//	handover_dbcompat_fleet_unmanaged_seen{kind}    declared writers and readers that are connected
//	handover_dbcompat_backfill_state{state}
//	handover_dbcompat_backfill_rows, _backfill_rows_expected, _backfill_rows_per_second
//	handover_dbcompat_verification_rows, _verification_mismatches, _verification_age_seconds
//	handover_dbcompat_fleet_age_seconds             of all these; grows while the database is away
//	handover_dbcompat_fleet_failing                 1 if the last look at it brought an error
//
// Each has the label change besides. Names of instances are no labels: they are new with
// each deployment. See walk.State for them, and the package console.
//
// The invariant: a scrape waits for nobody. It reads memory, so that the metrics are there
// when the database is not, and say so.
package promdbcompat
