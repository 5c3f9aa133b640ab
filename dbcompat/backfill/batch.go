package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// done is what a batch has brought about.
type done struct {
	rows, changed int64
	took          time.Duration
	blocked       int  // sessions, by us
	last          bool // the range's end is reached
}

// errOther is of a batch that has found the run to be somebody else's, or elsewhere.
var errOther = errors.New("the run is not where we are")

// batch does one, or finds that there is none to do. ctx is for what comes before and
// after it: a batch that has begun ends within its time-outs.
func (r *run) batch(ctx context.Context) (last bool, err error) {
	if r.upper == nil {
		return r.finish(ctx) // there are no rows
	}
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	c := r.config
	inside, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.LockTimeout+2*c.StatementTimeout+time.Second)
	defer cancel()
	d, err := r.change(inside, conn.Conn().PgConn())
	conn.Release() // what comes now takes time, and connections
	switch {
	case errors.Is(err, errOther):
		return r.instead(ctx)
	case ofValue(err) && r.size.rows == 1:
		return false, r.refused(inside, err)
	case err != nil:
		return false, err
	}
	r.changed += d.changed
	r.dirty += d.changed
	if d.last {
		return r.finish(ctx)
	}
	return false, r.note(ctx, d)
}

// change writes rows and checkpoint, and commits.
func (r *run) change(ctx context.Context, conn *pgconn.PgConn) (done, error) {
	end, begun := r.upper, r.position != nil
	if r.alone != nil {
		end = r.alone
	}
	d := done{rows: int64(r.size.rows)}
	var p pipeline
	p.begin(r.config, "READ WRITE")
	p.add(r.writing)
	p.add(r.label()+r.statements.advance(begun), slices.Concat(end, r.position, []string{
		r.name, r.me, r.mark, strconv.Itoa(r.size.rows), strconv.FormatFloat(r.rate, 'g', -1, 64), r.lease(),
	})...)
	p.add("COMMIT")
	watched := r.watch(ctx)
	start := time.Now()
	result, err := p.send(ctx, conn)
	d.took, d.blocked = time.Since(start), watched()
	if err != nil {
		rollback(ctx, conn)
		return d, err
	}
	found := first(result)
	if found == nil {
		return d, errOther
	}
	d.changed, _ = strconv.ParseInt(found[0], 10, 64) // count gives a number
	d.last = found[1] != "t" && r.alone == nil
	r.mark, r.position, r.alone = found[2], found[3:], nil
	return d, nil
}

// written is the statement by which a batch neither waits for the disk nor lets others wait.
//
// If the server crashes, rows and checkpoint are lost together, so that no batch has to be on
// the disk when it ends. What it has written goes there at once all the same, as with the
// background writer, if the server's system can do that: else the next checkpoint finds a
// gigabyte in the system's cache, and each commit waits until that is on the disk. With
// 2,000,000 rows the p99 of others was 350 ms; it is 30.
func (r *run) written(ctx context.Context) (sql string, err error) {
	sql = "SELECT set_config('synchronous_commit', 'off', true)"
	var pages int // of 8 kB
	err = r.pool.QueryRow(ctx, `SELECT least(64, max_val::int) FROM pg_settings WHERE name = 'backend_flush_after' AND setting = '0'`, once).Scan(&pages)
	if errors.Is(err, pgx.ErrNoRows) { // there is none, or somebody has chosen
		return sql, nil
	}
	return fmt.Sprintf("%s, set_config('backend_flush_after', '%d', true)", sql, pages), err
}

// label makes the batch known in pg_stat_activity, to people and to watch.
func (r *run) label() string { return "/* handover/backfill " + r.me[len(r.me)-6:] + " */ " }

// finish has the end of the run on the disk, and with it all batches.
func (r *run) finish(ctx context.Context) (last bool, _ error) {
	tag, err := r.pool.Exec(ctx, r.sql(`UPDATE "handover".backfills SET state = 'done', updated_at = clock_timestamp()
		WHERE name = $1::text AND runner = $2::text AND state = 'running'`), once, r.name, r.me)
	if err == nil && tag.RowsAffected() == 0 {
		return r.instead(ctx)
	}
	return true, err
}

// instead is what there is to do if there is no batch.
func (r *run) instead(ctx context.Context) (last bool, _ error) {
	var state State
	var ours bool
	err := r.pool.QueryRow(ctx, r.sql(`SELECT state, runner = $2::text FROM "handover".backfills WHERE name = $1::text`),
		once, r.name, r.me).Scan(&state, &ours)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && !ours:
		return false, ErrLost
	case err != nil:
		return false, err
	case state == Cancelled:
		return false, ErrCancelled
	case state == Done: // by a commit of which we have not heard
		return true, nil
	case state == Paused:
		err := r.rest(ctx, throttled, "Resume")
		r.ended = time.Now()
		return false, err
	}
	return false, r.reload(ctx) // a batch of ours of which we have not heard
}

// refused is a row that has had a batch for itself, and failed. It may be gone by now, or
// there may be another one before it, which has not been tried. So it is named first, and
// given a batch that ends with it.
func (r *run) refused(ctx context.Context, why error) error {
	begun := r.position != nil
	if r.alone == nil {
		row, err := r.ask(ctx, r.statements.nth(begun, "1"), slices.Concat(r.upper, r.position))
		r.alone = first(row)
		return err
	}
	row := r.alone
	r.alone = nil
	if !r.config.Skip {
		return &RowError{Key: r.named(row), Err: why}
	}
	passed, err := r.ask(ctx, r.statements.skip(begun), slices.Concat(row, r.position, []string{r.name, r.me, r.mark, clean(why.Error())}))
	if mark := first(passed); mark != nil {
		r.position, r.mark = row, mark[0]
	}
	return err
}

// ask is a transaction of one statement.
func (r *run) ask(ctx context.Context, sql string, parameters []string) (*pgconn.Result, error) {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var p pipeline
	p.begin(r.config, "READ WRITE")
	p.add(sql, parameters...)
	p.add("COMMIT")
	result, err := p.send(ctx, conn.Conn().PgConn())
	if err != nil {
		rollback(ctx, conn.Conn().PgConn())
	}
	return result, err
}

// watch counts the sessions that wait for us, once, when half of the batch's time is
// over. A batch that is short blocks nobody for long, and costs no query.
func (r *run) watch(ctx context.Context) func() int {
	if r.config.Blocked < 0 {
		return func() int { return 0 }
	}
	during, over := context.WithCancel(ctx)
	found := make(chan int, 1)
	go func() {
		blocked := 0
		defer func() { found <- blocked }()
		if sleep(during, r.config.Target/2) != nil {
			return
		}
		conn, err := r.pool.Acquire(during) // there may be none but the batch's
		if err != nil {
			return
		}
		defer conn.Release()
		// CASE, as AND may ask for everybody's blockers, which stops the lock manager.
		// The batch is known by its label: behind a pooler nobody knows the process of a
		// statement that has not answered.
		_ = conn.QueryRow(ctx, `SELECT count(DISTINCT pid) FROM pg_locks WHERE CASE WHEN NOT granted THEN pg_blocking_pids(pid) &&
			ARRAY(SELECT a.pid FROM pg_stat_activity a WHERE starts_with(a.query, $1::text)) ELSE false END`, once, r.label()).Scan(&blocked)
	}()
	return func() int {
		over()
		return <-found
	}
}
