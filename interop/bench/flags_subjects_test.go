//go:build unix && !race

package bench_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is asked: 500 flags, a hundred of each kind, for 1024 users in turn.
const (
	flagsOfAKind = 100
	userCount    = 1024
)

// kind is how a flag decides.
type kind string

const (
	alwaysOn  kind = "on"       // true for everybody
	alwaysOff kind = "off"      // false for everybody
	rollout   kind = "rollout"  // true for 25 %
	targeted  kind = "targeted" // true by three rules, and for 25 % of the others
	abc       kind = "abc"      // "A" for 50 %, "B" for 30 %, "C" for 20 %
)

func kinds() []kind { return []kind{alwaysOn, alwaysOff, rollout, targeted, abc} }

// flagKeys are the keys of the flags of a kind, as in rollout-42.
func flagKeys(of kind) []string {
	keys := make([]string, flagsOfAKind)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s-%d", of, i)
	}
	return keys
}

// flagDefinitions are all of them, by key, each as a client's format says it.
func flagDefinitions[T any](as func(key string, of kind) T) map[string]T {
	all := map[string]T{}
	for _, of := range kinds() {
		for _, key := range flagKeys(of) {
			all[key] = as(key, of)
		}
	}
	return all
}

// flagJSON is a document in a client's format.
func flagJSON(tb testing.TB, document any) []byte {
	tb.Helper()
	text, err := json.Marshal(document)
	require.NoError(tb, err)
	return text
}

// object is JSON's.
type object map[string]any

// flagUser is who is asked for. The three rules of a targeted flag are that the plan is
// enterprise, that the country is one of euro, and that the email ends with ours: one
// after the other for a quarter, an eighth and a quarter of the users, so a half gets
// to the rollout.
type flagUser struct{ id, plan, country, email string }

const ours = "@example.com"

func euro() []string { return []string{"AT", "DE", "IT"} }

func flagUsers() []flagUser {
	all := make([]flagUser, userCount)
	for i := range all {
		u := flagUser{id: fmt.Sprintf("user-%d", i), plan: "free", country: "US", email: fmt.Sprintf("user-%d@mail.test", i)}
		if i%4 == 0 {
			u.plan = "enterprise"
		}
		if i/4%8 == 0 {
			u.country = euro()[i%3]
		}
		if i/32%4 == 0 {
			u.email = fmt.Sprintf("user-%d%s", i, ours)
		}
		all[i] = u
	}
	return all
}

func (u flagUser) byRule() bool {
	return u.plan == "enterprise" || u.country != "US" || strings.HasSuffix(u.email, ours)
}

// attributes are what most clients take.
func (u flagUser) attributes() map[string]any {
	return map[string]any{"plan": u.plan, "country": u.country, "email": u.email}
}

// perUser builds something once for each user.
func perUser[T any](build func(flagUser) T) []T {
	all := make([]T, 0, userCount)
	for _, u := range flagUsers() {
		all = append(all, build(u))
	}
	return all
}
