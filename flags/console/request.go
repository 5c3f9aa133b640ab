package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/handover-go/handover/flags/console/internal/view"
)

const (
	maxBody = 64 << 10
	maxText = 500 // of why and who, in bytes: they go into the log
)

// asked is what a request says.
type asked struct {
	view.Asked
	flag, why, who, token string
}

// read takes the fields of a request from its query, or from the body of a POST: only
// these, and each once.
func read(w http.ResponseWriter, r *http.Request, fields ...string) (asked, *view.Problem) {
	if r.Method != http.MethodPost {
		return parseForm(r.URL.RawQuery, fields)
	}
	if r.URL.RawQuery != "" { // logs keep it
		return asked{}, bad("a POST has its fields in its body, not in the address")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return asked{}, &view.Problem{Code: http.StatusRequestEntityTooLarge, Error: fmt.Sprintf("the body is larger than %d bytes", maxBody)}
		}
		return asked{}, bad("the body could not be read: " + err.Error())
	}
	switch media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media {
	case "application/json":
		return parseJSON(body, fields)
	case "application/x-www-form-urlencoded":
		return parseForm(string(body), fields)
	default:
		return asked{}, &view.Problem{
			Code:  http.StatusUnsupportedMediaType,
			Error: fmt.Sprintf("the body is %q: send application/json or application/x-www-form-urlencoded", media),
		}
	}
}

func bad(why string) *view.Problem { return &view.Problem{Code: http.StatusBadRequest, Error: why} }

func parseForm(encoded string, fields []string) (asked, *view.Problem) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return asked{}, bad("the fields are wrongly encoded: " + err.Error())
	}
	members := map[string]json.RawMessage{}
	for name, texts := range values {
		if len(texts) > 1 {
			return asked{}, bad(fmt.Sprintf("%s is given %d times: give it once", name, len(texts)))
		}
		switch text := strings.TrimSpace(texts[0]); {
		case name != "attributes":
			members[name], _ = json.Marshal(texts[0])
		case text != "":
			members[name] = json.RawMessage(text)
		}
	}
	return parse(members, fields)
}

func parseJSON(body []byte, fields []string) (asked, *view.Problem) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return asked{}, bad("the body is no JSON object: " + err.Error())
	}
	return parse(members, fields)
}

// parse gives the token even if the rest is wrong: who may write is told what is wrong,
// all of it.
func parse(members map[string]json.RawMessage, fields []string) (a asked, _ *view.Problem) {
	texts := map[string]*string{"flag": &a.flag, "subject": &a.Subject, "why": &a.why, "who": &a.who, "access_token": &a.token}
	var mistakes []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		switch raw := members[name]; {
		case !slices.Contains(fields, name):
			mistakes = append(mistakes, fmt.Sprintf("%s is no field: there are %s", name, strings.Join(fields, ", ")))
		case name == "attributes":
			d := json.NewDecoder(bytes.NewReader(raw))
			d.UseNumber() // a key of 17 digits stays what it is
			if !json.Valid(raw) || d.Decode(&a.Attributes) != nil {
				mistakes = append(mistakes, `attributes are no JSON object: write them as {"country": "CH", "age": 30}`)
			}
		case json.Unmarshal(raw, texts[name]) != nil:
			mistakes = append(mistakes, name+" is no text")
		}
	}
	for _, text := range []*string{&a.why, &a.who} { // in one line, as they go into the log
		*text = strings.Join(strings.Fields(strings.ToValidUTF8(*text, string(utf8.RuneError))), " ")
		if len(*text) > maxText {
			mistakes = append(mistakes, fmt.Sprintf("why or who is longer than %d bytes: say it shorter", maxText))
		}
	}
	if len(mistakes) > 0 {
		return a, bad(strings.Join(mistakes, "; "))
	}
	return a, nil
}
