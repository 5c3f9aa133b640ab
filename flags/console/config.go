package console

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/handover-go/handover/flags"
)

// Config says who may write. The zero value is valid: nobody.
type Config struct {
	// Writable lets flags be killed, and kills be taken back. Default false.
	Writable bool

	// Token is what a write has to bear, at least 16 bytes from a random source.
	// Default none: a write must come from the machine itself.
	Token string

	// Logger gets a record for each kill that is taken back, and for each write that
	// is refused; kills are logged by the client. Default slog.Default(), at the time
	// of use.
	Logger *slog.Logger
}

// minToken is 128 bits, if they are random.
const minToken = 16

// Console is an http.Handler for the people who run the service. Use New. It may be
// mounted below any path with http.StripPrefix: all its links are relative.
type Console struct {
	client *flags.Client
	cfg    Config
	token  [sha256.Size]byte // of Config.Token: sums are of one length, which gives none away
	cross  *http.CrossOriginProtection
}

// New returns a Console of a client, which need not have started. The error joins what is
// wrong with the Config.
func New(client *flags.Client, cfg Config) (*Console, error) {
	var mistakes []error
	if client == nil {
		mistakes = append(mistakes, errors.New("console: new: no client: give the one of flags.New"))
	}
	if n := len(cfg.Token); n > 0 && n < minToken {
		mistakes = append(mistakes, fmt.Errorf("console: new: Token has %d bytes: make it %d or more, at random", n, minToken))
	}
	for i, b := range []byte(cfg.Token) {
		if b <= ' ' || b > '~' { // a secret that was read from a file ends in a line break
			mistakes = append(mistakes, fmt.Errorf("console: new: byte %d of Token is %#x, which no header carries: use visible ASCII, and trim what was read from a file", i+1, b))
			break
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return &Console{
		client: client, cfg: cfg, token: sha256.Sum256([]byte(cfg.Token)),
		cross: http.NewCrossOriginProtection(),
	}, nil
}

func (c *Console) logger() *slog.Logger { return cmp.Or(c.cfg.Logger, slog.Default()) }
