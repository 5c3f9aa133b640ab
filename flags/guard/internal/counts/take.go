package counts

// Arm is what is new of one arm.
type Arm struct{ Begun, Failed uint64 }

// Second is what is new of requests that began within a second, by row and arm. Second 0
// is that of failures that took more than a minute.
type Second struct {
	At   int64
	Rows [][arms]Arm
}

// Taken is what has been counted since the last Take.
type Taken struct {
	Seconds []Second
	Ended   [arms][Buckets]uint64
}

// reader is what has been taken before.
type reader struct {
	second [failedTicks]int64 // that a tick stands for
	begun  []uint64
	failed []uint64
	ended  [arms][Buckets]uint64
}

// Take takes what is new, and begins another tick if the second now is another one. It is
// for one goroutine at a time.
func (c *Counts) Take(now int64) (t Taken) {
	tick := c.tick.Load()
	found := map[int64]*Second{}
	c.takeFailed(tick, found) // before what began, so that each finds its beginning
	c.takeBegun(tick, found)
	c.takeEnded(&t)
	for back := range min(tick+1, failedTicks) {
		if s := found[c.reader.second[(tick-back)%failedTicks]]; s != nil {
			t.Seconds = append(t.Seconds, *s)
		}
	}
	if s := found[0]; s != nil {
		t.Seconds = append(t.Seconds, *s)
	}
	if now > c.reader.second[tick%failedTicks] {
		c.reader.second[(tick+1)%failedTicks] = now
		c.tick.Store(tick + 1)
	}
	return t
}

func (c *Counts) takeFailed(tick uint64, found map[int64]*Second) {
	for cell := range c.failed {
		n := c.failed[cell].Load()
		fresh := n - c.reader.failed[cell]
		c.reader.failed[cell] = n
		if fresh == 0 {
			continue
		}
		slot, row, arm := cell/(c.rows*arms), cell/arms%c.rows, cell%arms
		at := int64(0)
		if slot < failedTicks {
			at = c.reader.second[slot]
		}
		c.at(found, at).Rows[row][arm].Failed += fresh
	}
}

func (c *Counts) takeBegun(tick uint64, found map[int64]*Second) {
	for back := range min(tick+1, begunTicks) {
		slot, at := int((tick-back)%begunTicks), c.reader.second[(tick-back)%failedTicks]
		for i := range c.rows * arms {
			cell := slot*c.rows*arms + i
			n := c.shards.sum(cell)
			if fresh := n - c.reader.begun[cell]; fresh > 0 {
				c.reader.begun[cell] = n
				c.at(found, at).Rows[i/arms][i%arms].Begun += fresh
			}
		}
	}
}

func (c *Counts) takeEnded(t *Taken) {
	for arm := range arms {
		for bucket := range Buckets {
			n := c.shards.sum(begunTicks*c.rows*arms + arm*Buckets + bucket)
			t.Ended[arm][bucket] = n - c.reader.ended[arm][bucket]
			c.reader.ended[arm][bucket] = n
		}
	}
}

func (c *Counts) at(found map[int64]*Second, second int64) *Second {
	s := found[second]
	if s == nil {
		s = &Second{At: second, Rows: make([][arms]Arm, c.rows)}
		found[second] = s
	}
	return s
}
