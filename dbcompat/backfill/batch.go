package backfill

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// turn is what the first round trip of a batch has found.
type turn struct {
	state State
	moved bool // by a batch of ours of which we have not heard
	pid   string
	end   []string // the key of the n-th row, nil if there are fewer
}

// done is what the second round trip of a batch has brought about.
type done struct {
	rows, changed int64
	took          time.Duration
	blocked       int  // sessions, by us
	passed        bool // the one row that there was to skip, or to try again
}

// batch does one, or finds that there is none to do. ctx is for what comes before and
// after it: a batch that has begun ends within its time-outs.
func (r *run) batch(ctx context.Context) (last bool, err error) {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release() // or earlier: what comes after takes time, and connections
	c := r.config
	inside, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.LockTimeout+2*c.StatementTimeout+time.Second)
	defer cancel()
	pg := conn.Conn().PgConn()
	t, err := r.open(inside, pg)
	if err != nil || t.moved || t.state != Running || r.upper == nil {
		rollback(inside, pg)
		conn.Release()
		return r.instead(ctx, t, err)
	}
	d, err := r.write(inside, pg, t)
	conn.Release()
	if err != nil || d.passed {
		return false, err
	}
	r.changed += d.changed
	r.dirty += d.changed
	if t.end == nil {
		return true, nil
	}
	return false, r.note(ctx, d)
}

// write is the second round trip, or what is in its place for a row that is refused.
func (r *run) write(ctx context.Context, conn *pgconn.PgConn, t turn) (done, error) {
	if r.bad != nil {
		return done{passed: true}, r.pass(ctx, conn, t)
	}
	d, err := r.change(ctx, conn, t)
	if err != nil {
		rollback(ctx, conn)
	}
	if ofValue(err) && r.size.rows == 1 && t.end != nil {
		return done{passed: true}, r.refused(t, err)
	}
	return d, err
}

// open begins the transaction, locks the run's row, so that nobody else can take it over
// before the commit, and finds where the batch ends.
func (r *run) open(ctx context.Context, conn *pgconn.PgConn) (turn, error) {
	var p pipeline
	p.begin(r.config, "READ WRITE")
	head := r.sql(`SELECT state, runner = $2::text, coalesce(position::text, '') = $3::text, pg_backend_pid()
		FROM "handover".backfills WHERE name = $1::text FOR UPDATE`)
	p.add(head, r.name, r.me, r.mark)
	if r.upper != nil {
		p.add(r.statements.nth(r.position != nil, r.size.rows), r.ends(r.upper)...)
	}
	results, err := conn.ExecBatch(ctx, &p.batch).ReadAll()
	if err != nil {
		return turn{}, err
	}
	found := first(results[2])
	if found == nil || found[1] != "t" {
		return turn{}, ErrLost
	}
	t := turn{state: State(found[0]), moved: found[2] != "t", pid: found[3]}
	if len(results) > 3 {
		t.end = first(results[3])
	}
	return t, nil
}

// ends are the parameters of the range from where we are to a key.
func (r *run) ends(end []string) []string { return slices.Concat(end, r.position) }

// instead is what there is to do if there is no batch.
func (r *run) instead(ctx context.Context, t turn, err error) (last bool, _ error) {
	switch {
	case err != nil:
		return false, err
	case t.state == Cancelled:
		return false, ErrCancelled
	case t.state == Done: // by a commit of which we have not heard
		return true, nil
	case t.moved:
		return false, r.reload(ctx)
	case t.state == Paused:
		err := r.rest(ctx, throttled, "Resume")
		r.ended = time.Now()
		return false, err
	}
	_, err = r.pool.Exec(ctx, r.sql(`UPDATE "handover".backfills SET state = 'done', updated_at = clock_timestamp()
		WHERE name = $1::text AND runner = $2::text`), once, r.name, r.me)
	return true, err // there are no rows
}

// change writes rows and checkpoint, and commits.
func (r *run) change(ctx context.Context, conn *pgconn.PgConn, t turn) (done, error) {
	d := done{rows: int64(r.size.rows)}
	end, begun := t.end, r.position != nil
	if end == nil {
		end = r.upper
		var p pipeline
		p.add(r.statements.count(begun), r.ends(end)...)
		counted, err := p.send(ctx, conn)
		if err != nil {
			return d, err
		}
		d.rows, _ = strconv.ParseInt(first(counted)[0], 10, 64) // count gives a number
	}
	var p pipeline
	p.add(r.statements.advance(begun), append(r.ends(end), r.name, strconv.FormatInt(d.rows, 10),
		strconv.FormatFloat(r.rate, 'g', -1, 64), strconv.FormatBool(t.end == nil), r.lease())...)
	p.add("COMMIT")
	watched := r.watch(ctx, t.pid)
	start := time.Now()
	result, err := p.send(ctx, conn)
	d.took, d.blocked = time.Since(start), watched()
	if err != nil {
		return d, err
	}
	found := first(result)
	d.changed, _ = strconv.ParseInt(found[0], 10, 64) // count gives a number
	r.position, r.mark = end, found[1]
	return d, nil
}

// refused is a row that has had a batch for itself, and failed.
func (r *run) refused(t turn, err error) error {
	if !r.config.Skip {
		return &RowError{Key: r.named(t.end), Err: err}
	}
	r.bad, r.badKey = err, r.named(t.end)
	return nil
}

// pass goes over the row that was refused. It may be gone by now: then there is another
// in its place, which has not been tried.
func (r *run) pass(ctx context.Context, conn *pgconn.PgConn, t turn) error {
	why := r.bad
	r.bad = nil
	if t.end == nil || r.named(t.end) != r.badKey {
		rollback(ctx, conn)
		return nil
	}
	var p pipeline
	p.add(r.statements.skip(), append(slices.Clone(t.end), r.name, clean(why.Error()))...)
	p.add("COMMIT")
	result, err := p.send(ctx, conn)
	if err != nil {
		rollback(ctx, conn)
		return err
	}
	r.position, r.mark = t.end, first(result)[0]
	return nil
}

// watch counts the sessions that wait for us, once, when half of the batch's time is
// over. A batch that is short blocks nobody for long, and costs no query.
func (r *run) watch(ctx context.Context, pid string) func() int {
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
		_ = conn.QueryRow(ctx, `SELECT count(DISTINCT pid) FROM pg_locks
			WHERE CASE WHEN NOT granted THEN $1::int = ANY (pg_blocking_pids(pid)) ELSE false END`, once, pid).Scan(&blocked)
	}()
	return func() int {
		over()
		return <-found
	}
}
