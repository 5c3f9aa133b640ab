package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/handover-go/handover/flags/console/internal/view"
)

// forbids says why a request may not write; nil if it may. inBody is the token that
// a form has, as a page without scripts can send no header.
func (c *Console) forbids(r *http.Request, inBody string) *view.Problem {
	if !c.cfg.Writable {
		return &view.Problem{Code: http.StatusForbidden, Error: "this console is read-only: set Config.Writable, or disable the flag in the source"}
	}
	if err := c.cross.Check(r); err != nil {
		return &view.Problem{Code: http.StatusForbidden, Error: "the request comes from a page of another site: open this one and use its own"}
	}
	if c.cfg.Token == "" {
		if why := elsewhere(r); why != "" {
			return &view.Problem{Code: http.StatusForbidden, Error: "without Config.Token, writes come from the machine itself; but " + why}
		}
		return nil
	}
	given := inBody
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		given = strings.TrimSpace(token) // another scheme may be of a proxy that asks as well
	}
	switch sum := sha256.Sum256([]byte(given)); {
	case given == "":
		return &view.Problem{Code: http.StatusUnauthorized, Challenge: `Bearer realm="flags"`, Error: "the token is missing: send it as Authorization: Bearer, or in the field access_token"}
	case subtle.ConstantTimeCompare(sum[:], c.token[:]) == 0:
		return &view.Problem{Code: http.StatusUnauthorized, Challenge: `Bearer realm="flags", error="invalid_token"`, Error: "the token is another one"}
	}
	return nil
}

// elsewhere says why a request does not come from a person on this machine; "" if it does.
func elsewhere(r *http.Request) string {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	switch {
	case !loopback(r.RemoteAddr):
		return fmt.Sprintf("this one comes from %q", r.RemoteAddr)
	case local == nil || !loopback(local.String()):
		return "this one came in at another address than a loopback one"
	case !loopback(r.Host):
		return fmt.Sprintf("this one is for %q: use localhost", r.Host)
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if len(r.Header.Values(header)) > 0 {
			return fmt.Sprintf("this one comes through a proxy, by its header %s", header)
		}
	}
	return ""
}

// loopback takes an address or a host, with a port or without. Of names it takes
// localhost only: what others stand for is up to somebody else.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
