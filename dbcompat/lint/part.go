package lint

import "strings"

// part is what of a file goes up.
type part struct {
	text  string // as long as the source; what does not go up is blank
	goose bool
	noTx  bool
}

// upPart finds it. Goose looks at lines and knows no strings; so does this.
func upPart(src, name string) part {
	if strings.HasSuffix(strings.ToLower(name), ".down.sql") {
		return part{text: blank(src)}
	}
	var p part
	var text strings.Builder
	up := false
	for line := range strings.Lines(src) {
		word, is := annotation(line)
		switch word {
		case "UP":
			up, p.goose = true, true
		case "DOWN":
			up, p.goose = false, true
		case "NO TRANSACTION":
			p.noTx = true
		}
		if up && !is {
			text.WriteString(line)
		} else {
			text.WriteString(blank(line))
		}
	}
	p.text = text.String()
	if !p.goose {
		p.text = src
	}
	return p
}

// annotation reads "-- +goose Up" and its like.
func annotation(line string) (string, bool) {
	comment, is := strings.CutPrefix(strings.TrimSpace(line), "--")
	if !is {
		return "", false
	}
	words := strings.Fields(strings.ToUpper(comment))
	if len(words) < 2 || words[0] != "+GOOSE" {
		return "", false
	}
	return strings.Join(words[1:], " "), true
}

// blank keeps length and lines, so that what is found stands where it stood.
func blank(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}
