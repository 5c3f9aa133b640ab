package flagstest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/flagstest"
	"github.com/stretchr/testify/require"
)

// polled is a source that is no Watcher, and whose Load may be wrong.
type polled func(ctx context.Context) (flags.Document, error)

func (p polled) Load(ctx context.Context) (flags.Document, error) { return p(ctx) }

// watched is one whose Watch may be wrong.
type watched struct {
	flags.Source
	watch func(ctx context.Context, changed func()) error
}

func (w watched) Watch(ctx context.Context, changed func()) error { return w.watch(ctx, changed) }

// wrong are sources in front of a store that break a rule, and what they are told. Some
// break others as well.
var wrong = map[string]struct {
	source func(*memory) flags.Source
	rule   string
	want   string
}{
	"what it loaded first, for ever": {
		func(m *memory) flags.Source {
			var first *flags.Document
			return polled(func(ctx context.Context) (flags.Document, error) {
				if first == nil {
					doc, err := m.Load(ctx)
					first = &doc
					return doc, err
				}
				return *first, nil
			})
		},
		"what was set comes back whole", "metadata.generation is 0, not 1 as it was set",
	},
	"without a flag": {
		func(m *memory) flags.Source { return edited(m, `"thing"`, `"other"`) },
		"what was set comes back whole", "flag other is map[",
	},
	"without metadata": {
		func(m *memory) flags.Source { return edited(m, `"bucketing": "v1", `, ``) },
		"what was set comes back whole", "metadata.bucketing is <nil>, not v1 as it was set",
	},
	"without evaluators": {
		func(m *memory) flags.Source { return edited(m, `$evaluators`, `evaluators`) },
		"what was set comes back whole", "$evaluators are map[], not map[newest:",
	},
	"the first half of what was set": {
		func(m *memory) flags.Source {
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				doc.JSON = doc.JSON[:len(doc.JSON)/2]
				return doc, err
			})
		},
		"what was set comes back whole", "bytes that are no set, and no error: unexpected end of JSON input",
	},
	"a mixture while it changes": {
		func(m *memory) flags.Source {
			var last []byte
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				if err != nil {
					return doc, err
				}
				if last != nil && !bytes.Equal(last, doc.JSON) {
					// The head of the one, and the tail of the other.
					_, tail, _ := bytes.Cut(last, []byte("$evaluators"))
					head, _, _ := bytes.Cut(doc.JSON, []byte("$evaluators"))
					last = doc.JSON
					doc.JSON = []byte(string(head) + "$evaluators" + string(tail))
					return doc, nil
				}
				last = doc.JSON
				return doc, nil
			})
		},
		"a change comes back whole, and at once", "$evaluators are map[newest:",
	},
	"a mixture of flags while it changes": {
		func(m *memory) flags.Source {
			calls := 0
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				if calls++; calls > 12 {
					doc.JSON = bytes.Replace(doc.JSON, []byte(`{"at": `), []byte(`{"at": 9`), 1)
				}
				return doc, err
			})
		},
		"a change comes back whole, and at once", "flag f00 is map[",
	},
	"one generation late while it changes": {
		func(m *memory) flags.Source {
			var before, last flags.Document
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				if !bytes.Equal(doc.JSON, last.JSON) {
					before, last = last, doc
					if before.JSON != nil {
						return before, err
					}
				}
				return last, err
			})
		},
		"a change comes back whole, and at once", "had been set",
	},
	"one buffer for all documents": {
		func(m *memory) flags.Source {
			buffer := make([]byte, 0, 1<<20)
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				buffer = append(buffer[:0], doc.JSON...)
				doc.JSON = buffer
				return doc, err
			})
		},
		"a document that was returned stays as it was", "a later Load has written to a document that was returned",
	},
	"other bytes each time": {
		func(m *memory) flags.Source {
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				doc.JSON = append(bytes.Clone(doc.JSON), strings.Repeat(" ", time.Now().Nanosecond()%7)...)
				passes(time.Nanosecond)
				return doc, err
			})
		},
		"what has not changed is the same again", "a Load gave other bytes though nothing had changed",
	},
	"a revision that counts questions": {
		func(m *memory) flags.Source { return revised(m, func(calls int64) int64 { return calls }) },
		"what has not changed is the same again", "a Load gave revision 1 and the next one 2, though nothing had changed",
	},
	"a revision that falls": {
		func(m *memory) flags.Source { return revised(m, func(calls int64) int64 { return 1000 - calls }) },
		"a revision rises with each change", "the revision was 999, and after a change it is 998",
	},
	"a revision that stays": {
		func(m *memory) flags.Source { return revised(m, func(int64) int64 { return 7 }) },
		"a revision rises with each change", "the revision was 7, and after a change it is 7",
	},
	"a revision that is lost": {
		func(m *memory) flags.Source { return revised(m, func(calls int64) int64 { return max(0, 2-calls) }) },
		"a revision rises with each change", "the revision was 1, and after a change it is 0",
	},
	"a revision that was forgotten at first": {
		func(m *memory) flags.Source { return revised(m, func(calls int64) int64 { return min(1, calls-1) }) },
		"a revision rises with each change", "the revision was 0, and after a change it is 1",
	},
	"a negative revision": {
		func(m *memory) flags.Source { return revised(m, func(int64) int64 { return -1 }) },
		"a revision rises with each change", "the revision is -1: count from 1, or give none",
	},
	"an empty set of a store that is gone": {
		func(m *memory) flags.Source {
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				if errors.Is(err, errGone) {
					return flags.Document{JSON: []byte(`{"flags": {}}`)}, nil
				}
				return doc, err
			})
		},
		"a store that is gone is an error", "a Load gave 13 bytes and no error of a store that does not answer",
	},
	"what it had of a store that is gone": {
		func(m *memory) flags.Source { return stale(m) },
		"a store that is gone is an error", "bytes and no error of a store that does not answer",
	},
	"for ever gone": {
		func(m *memory) flags.Source {
			gone := false
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				gone = gone || errors.Is(err, errGone)
				if gone {
					return flags.Document{}, errGone
				}
				return doc, err
			})
		},
		"a store that is gone is an error", "after Set: connection refused",
	},
	"half a document for a context that has ended": {
		func(m *memory) flags.Source {
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(context.WithoutCancel(ctx))
				if ctx.Err() != nil {
					doc.JSON = doc.JSON[:10]
				}
				return doc, err
			})
		},
		"Load ends with its context", "with a context that has ended: a Load gave 10 bytes that are no set",
	},
	"a minute for a context that has ended": {
		func(m *memory) flags.Source {
			return polled(func(ctx context.Context) (flags.Document, error) {
				if ctx.Err() != nil {
					passes(time.Minute)
				}
				return m.Load(ctx)
			})
		},
		"Load ends with its context", "the Load has not returned after its context has ended",
	},
	"a minute for a store that hangs": {
		func(m *memory) flags.Source {
			return polled(func(ctx context.Context) (flags.Document, error) {
				patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
				defer cancel()
				return m.Load(patient)
			})
		},
		"Load ends with its context when the store hangs", "the Load has not returned after its context has ended",
	},
	"what it had of a store that hangs": {
		func(m *memory) flags.Source { return stale(m) },
		"Load ends with its context when the store hangs", "bytes and no error of a store that does not answer",
	},
	"a Watch that says nothing": {
		func(m *memory) flags.Source {
			return watched{m, func(ctx context.Context, _ func()) error {
				<-ctx.Done()
				return ctx.Err()
			}}
		},
		"Watch tells of its start and of each change", "the Watch has not called changed within 10s of its start",
	},
	"a Watch that tells of its start only": {
		func(m *memory) flags.Source {
			return watched{m, func(ctx context.Context, changed func()) error {
				changed()
				<-ctx.Done()
				return ctx.Err()
			}}
		},
		"Watch tells of its start and of each change", "the Watch has not told within 1s of a change or a repair: changed has not been called",
	},
	"a Watch that looks every five seconds": {
		func(m *memory) flags.Source {
			return watched{m, func(ctx context.Context, changed func()) error {
				for ctx.Err() == nil {
					changed()
					select {
					case <-time.After(5 * time.Second):
					case <-ctx.Done():
					}
				}
				return ctx.Err()
			}}
		},
		"Watch tells of its start and of each change", "the Watch has not told within 1s of a change or a repair: changed has not been called",
	},
	"a Watch that calls too early, and once": {
		func(m *memory) flags.Source {
			return watched{late(m, 700*time.Millisecond), m.Watch}
		},
		"Watch tells of its start and of each change", "the Watch has not told within 1s of a change or a repair: metadata.generation is 1, not 2",
	},
	"a Watch that gives up": {
		func(m *memory) flags.Source {
			return watched{m, func(_ context.Context, changed func()) error {
				changed()
				return errGone
			}}
		},
		"Watch tells of its start and of each change", "the Watch has returned before its context ended, and nothing was wrong with the store\nconnection refused",
	},
	"a Watch that returns as if it were done": {
		func(m *memory) flags.Source {
			return watched{m, func(_ context.Context, changed func()) error {
				changed()
				return nil
			}}
		},
		"Watch tells of its start and of each change", "the Watch has returned before its context ended, and nothing was wrong with the store",
	},
	"a Watch that is deaf after an outage": {
		func(m *memory) flags.Source {
			deaf := false
			return watched{m, func(ctx context.Context, changed func()) error {
				return m.Watch(ctx, func() {
					if _, err := m.Load(ctx); errors.Is(err, errGone) {
						deaf = true
					}
					if !deaf {
						changed()
					}
				})
			}}
		},
		"Watch tells of a repair", "the Watch has not told within 10s of a change or a repair",
	},
	"a Watch that tells of the repair and then is deaf": {
		func(m *memory) flags.Source {
			outages, calls := 0, 0
			return watched{m, func(ctx context.Context, changed func()) error {
				return m.Watch(ctx, func() {
					if _, err := m.Load(ctx); errors.Is(err, errGone) {
						outages, calls = outages+1, 0
					}
					if calls++; outages == 0 || calls <= 2 {
						changed()
					}
				})
			}}
		},
		"Watch tells of a repair", "the Watch has not told within 10s of a change or a repair",
	},
	"a Watch that does not end": {
		func(m *memory) flags.Source {
			return watched{m, func(ctx context.Context, changed func()) error {
				patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
				defer cancel()
				return m.Watch(patient, changed)
			}}
		},
		"Watch ends with its context and leaves nothing", "the Watch has not returned after its context has ended",
	},
	"a Watch that does not end when the store is gone": {
		func(m *memory) flags.Source {
			return watched{m, func(ctx context.Context, changed func()) error {
				for ctx.Err() == nil {
					if _, err := m.Load(ctx); errors.Is(err, errGone) {
						passes(10 * time.Second) // and then again
						continue
					}
					short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
					_ = m.Watch(short, changed)
					cancel()
				}
				return nil
			}}
		},
		"Watch ends with its context when the store is gone", "the Watch has not returned after its context has ended",
	},
	"a Watch that leaves a goroutine": {
		func(m *memory) flags.Source {
			return watched{m, func(ctx context.Context, changed func()) error {
				go passes(time.Minute)
				return m.Watch(ctx, changed)
			}}
		},
		"Watch ends with its context and leaves nothing", "the Watch has returned, and left a goroutine:",
	},
	"a Watch that talks when it has returned": {
		func(m *memory) flags.Source {
			return watched{m, func(ctx context.Context, changed func()) error {
				err := m.Watch(ctx, changed)
				time.AfterFunc(50*time.Millisecond, changed)
				return err
			}}
		},
		"Watch ends with its context and leaves nothing", "the Watch has returned, and called changed after that",
	},
	"a Watch that works once": {
		func(m *memory) flags.Source {
			calls := 0
			return watched{m, func(ctx context.Context, changed func()) error {
				if calls++; calls > 1 {
					<-ctx.Done()
					return nil
				}
				return m.Watch(ctx, changed)
			}}
		},
		"Watch ends with its context and leaves nothing", "the Watch has not called changed within 10s of its start",
	},
	"too old a revision for a Client to take": {
		func(m *memory) flags.Source { return revised(m, func(calls int64) int64 { return 1000 - calls }) },
		"a kill reaches a request that is pinned", "of a kill: a client's flag is true after 1s, {Variant:on",
	},
	"a Watch that is no use for a kill": {
		func(m *memory) flags.Source {
			return watched{m, func(ctx context.Context, changed func()) error {
				changed()
				<-ctx.Done()
				return ctx.Err()
			}}
		},
		"a kill reaches a request that is pinned", "of a kill: a client's flag is true after 1s, {Variant:on",
	},
	"an outage that a Client does not see": {
		func(m *memory) flags.Source { return stale(m) },
		"a client outlives a store that is gone", "a client has not noticed within 10s that the store is gone",
	},
	"an outage without an end": {
		func(m *memory) flags.Source {
			gone := false
			return polled(func(ctx context.Context) (flags.Document, error) {
				doc, err := m.Load(ctx)
				gone = gone || errors.Is(err, errGone)
				if gone {
					return flags.Document{}, errGone
				}
				return doc, err
			})
		},
		"a client outlives a store that is gone", "a client's flag is true after 10s",
	},
}

// edited is a source that loses something.
func edited(m *memory, from, to string) flags.Source {
	return polled(func(ctx context.Context) (flags.Document, error) {
		doc, err := m.Load(ctx)
		doc.JSON = bytes.ReplaceAll(doc.JSON, []byte(from), []byte(to))
		return doc, err
	})
}

// revised is a source that counts in its own way.
func revised(m *memory, revision func(calls int64) int64) flags.Source {
	calls := int64(0)
	return polled(func(ctx context.Context) (flags.Document, error) {
		doc, err := m.Load(ctx)
		calls++
		doc.Revision = revision(calls)
		return doc, err
	})
}

// stale is a source that does not tell an outage from rest.
func stale(m *memory) flags.Source {
	var last flags.Document
	return polled(func(ctx context.Context) (flags.Document, error) {
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if doc, err := m.Load(short); err == nil {
			last = doc
		}
		return last, nil
	})
}

// late is a source that gives what was set some time ago.
func late(m *memory, by time.Duration) flags.Source {
	var last, next flags.Document
	var since time.Time
	return polled(func(ctx context.Context) (flags.Document, error) {
		doc, err := m.Load(ctx)
		if last.JSON == nil {
			last = doc
		}
		if !bytes.Equal(doc.JSON, next.JSON) {
			next, since = doc, time.Now()
		}
		if time.Since(since) >= by {
			last = next
		}
		return last, err
	})
}

// passes lets time go by, in a bubble.
func passes(d time.Duration) { <-time.After(d) }

func TestEachRuleFindsASourceThatBreaksIt(t *testing.T) {
	found := map[string]bool{}
	for name, test := range wrong {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				err := flagstest.CheckRule(t.Context(), test.rule, m.store(test.source(m)))
				require.ErrorContains(t, err, "flagstest: "+test.rule+": ")
				require.ErrorContains(t, err, test.want)
				passes(2 * time.Minute) // what was left comes to its end
			})
		})
		found[test.rule] = true
	}
	for _, rule := range flagstest.Rules() {
		require.True(t, found[rule], "no source breaks the rule %q", rule)
	}
}

func TestTheWholeSuiteFindsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		err := flagstest.CheckSource(t.Context(), m.store(edited(m, `"thing"`, `"other"`)))
		for _, rule := range []string{"what was set comes back whole", "a kill reaches a request that is pinned"} {
			require.ErrorContains(t, err, "flagstest: "+rule+": ")
		}
	})
}

// TestInAChild is what TestASourceThatIsWrongFailsItsTest runs.
func TestInAChild(t *testing.T) {
	if os.Getenv("FLAGSTEST_CHILD") == "" {
		t.Skip("it fails, as it should")
	}
	flagstest.TestSource(t, func(*testing.T) flagstest.Store {
		m := newMemory()
		return m.store(revised(m, func(int64) int64 { return -1 }))
	})
}

func TestASourceThatIsWrongFailsItsTest(t *testing.T) {
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInAChild$", "-test.v")
	child.Env = append(os.Environ(), "FLAGSTEST_CHILD=yes")
	out, err := child.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "--- FAIL: TestInAChild/a_revision_rises_with_each_change")
	require.Contains(t, string(out), "--- PASS: TestInAChild/what_was_set_comes_back_whole")
	require.Contains(t, string(out), "--- SKIP: TestInAChild/Watch_tells_of_a_repair")
}
