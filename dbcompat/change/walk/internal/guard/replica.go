package guard

import (
	"context"
	"fmt"
	"slices"
)

type replica struct {
	Name     string
	Known    bool
	Replayed bool
	LSN      *string
}

// Replayed tells which replicas have, and of the others what they lack: they would show a
// reader what is older than the LSN. Those whose name is accepted are not asked.
//
// One that is not connected is seen only if it has a slot. Logical ones are not asked:
// they are databases of their own, and backups have no readers.
func Replayed(ctx context.Context, db Querier, lsn string, accept []string) (names []string, lacks []Lack, err error) {
	all, err := collect[replica](ctx, db, replicas, lsn)
	for _, r := range all {
		who := "replica " + r.Name
		switch {
		case slices.Contains(accept, r.Name), slices.Contains(accept, who):
		case r.Replayed:
			names = append(names, r.Name)
		case !r.Known:
			lacks = append(lacks, Lack{who, "may not be looked at by this role", "grant it pg_monitor"})
		case r.LSN == nil:
			lacks = append(lacks, Lack{
				who, "is not connected, but has a slot: its readers would see what is old",
				fmt.Sprintf("wait, or if there is none any more: SELECT pg_drop_replication_slot('%s')", r.Name),
			})
		default:
			lacks = append(lacks, Lack{who, fmt.Sprintf("has replayed up to %s, and the verification is of %s", *r.LSN, lsn), "wait"})
		}
	}
	return names, lacks, err
}

const replicas = `SELECT coalesce(nullif(application_name, ''), host(client_addr), 'pid ' || pid), state IS NOT NULL,
		coalesce(replay_lsn >= $1::pg_lsn, false), coalesce(replay_lsn::text, 'nothing')
	FROM pg_stat_replication r
	WHERE state IS DISTINCT FROM 'backup' AND application_name NOT IN ('pg_receivewal', 'pg_basebackup')
		AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
	UNION ALL
	SELECT slot_name, true, false, NULL FROM pg_replication_slots
	WHERE slot_type = 'physical' AND NOT active AND restart_lsn IS NOT NULL
	ORDER BY 1`
