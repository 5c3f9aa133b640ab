package pgprobes

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A transaction of a standby is always read-only; one of a primary is, if the
// administrator, the role or the database says so.
const (
	whatItIs = `SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'`

	// What has been received says nothing once nobody receives; every role may see
	// whether there is a receiver. After its start what it has received begins with a
	// segment, hence <=. On a primary these functions tell of the time before its
	// promotion (ContaAzul/postgresql_exporter#58).
	howFarBehind = `, NOT pg_is_in_recovery() OR EXISTS (SELECT FROM pg_stat_wal_receiver)
	AND coalesce(pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn(), false),
	coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8, 'infinity')`
)

// question has the lag only if that matters: not all that call themselves PostgreSQL know it.
func (w *watch) question() string {
	if w.config.MaxLag > 0 {
		return whatItIs + howFarBehind
	}
	return whatItIs
}

// state is the answer.
type state struct {
	inRecovery, readOnly bool
	caughtUp             bool
	replayed             time.Duration // so long ago the last transaction was made that has been replayed
}

func read(answer [][]byte) (s state, err error) {
	is := func(i int) bool { return i < len(answer) && string(answer[i]) == "t" }
	s = state{inRecovery: is(0), readOnly: is(1), caughtUp: is(2)}
	if len(answer) > 3 {
		seconds, err := strconv.ParseFloat(string(answer[3]), 64)
		if err != nil {
			return state{}, fmt.Errorf("the age of what was replayed: %w", err)
		}
		s.replayed = time.Duration(min(max(0, seconds), longest.Seconds()) * float64(time.Second))
	}
	return s, nil
}

// longest is for ages that are not known, so that they can be compared.
const longest = 100 * 365 * 24 * time.Hour

func (s state) refusal() error {
	if s.inRecovery {
		return errors.New("it is a standby, and writes are needed: connect to the primary, or say ReadOnly")
	}
	return errors.New("transactions are read-only, and writes are needed: default_transaction_read_only is on")
}
