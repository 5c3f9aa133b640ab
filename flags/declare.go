package flags

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Bool declares a flag that is on or off. The default should be false; see
// About.SafeOn.
func Bool(key string, fallback bool, about ...About) Switch {
	f := declare(key, definition.Bool, fallback, about, asIs[bool])
	if fallback && !f.decl.about.SafeOn {
		f.decl.wrong("its default is true: make it false (turn its meaning round), or say that on is safe with About.SafeOn")
	}
	return Switch{f}
}

// String declares a flag whose values are text.
func String(key, fallback string, about ...About) Flag[string] {
	return declare(key, definition.String, fallback, about, asIs[string])
}

// Int declares a flag whose values are whole numbers.
func Int(key string, fallback int64, about ...About) Flag[int64] {
	return declare(key, definition.Number, fallback, about, whole)
}

// Float declares a flag whose values are numbers.
func Float(key string, fallback float64, about ...About) Flag[float64] {
	return declare(key, definition.Number, fallback, about, asIs[float64])
}

// JSON declares a flag whose values are objects. They are decoded into T when a set is
// loaded, by encoding/json; fields that T does not have are passed over.
func JSON[T any](key string, fallback T, about ...About) Flag[T] {
	return declare(key, definition.Object, fallback, about, asIs[T])
}

// Enum declares a flag whose values are some texts; the first is the default. A variant
// with another text gives the default.
func Enum[T ~string](key string, values []T, about ...About) Flag[T] {
	var fallback T
	values = slices.Clone(values)
	if len(values) > 0 {
		fallback = values[0]
	}
	f := declare(key, definition.String, fallback, about, func(raw json.RawMessage) (v T, err error) {
		if v, err = asIs[T](raw); err == nil && !slices.Contains(values, v) {
			err = fmt.Errorf("%q is none of %q", v, values)
		}
		return v, err
	})
	if len(values) == 0 {
		f.decl.wrong("it has no values: give them, the default first")
	}
	return f
}

// declare makes a flag. What is wrong with it is said by Client.Start.
func declare[T any](key string, kind definition.Kind, fallback T, about []About, decode func(json.RawMessage) (T, error)) Flag[T] {
	d := &declaration{key: key, kind: kind}
	decode = careful(decode)
	d.decode = func(variants []definition.Variant) decoded {
		values, wrong := make([]T, len(variants)), []bool(nil)
		for i, v := range variants {
			value, err := decode(v.JSON)
			if err == nil {
				values[i] = value
				continue
			}
			if wrong == nil {
				wrong = make([]bool, len(variants))
			}
			wrong[i] = true
		}
		return decoded{values: values, wrong: wrong}
	}
	d.safe = func(v definition.Variant) bool {
		value, err := decode(v.JSON)
		return err == nil && reflect.DeepEqual(value, fallback)
	}
	d.describe(about)
	return Flag[T]{decl: d, fallback: fallback}
}

func (d *declaration) describe(about []About) {
	if len(about) > 0 {
		d.about = about[0]
	}
	if len(about) > 1 {
		d.wrong("it has more than one About: give one")
	}
	if d.key == "" {
		d.wrong("its key is empty: give the name that the definitions have")
	}
	if day := d.about.Expires; day != "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			d.wrong(fmt.Sprintf("Expires %q is no day: write it as 2027-03-01", day))
		}
	}
}

func (d *declaration) wrong(what string) { d.mistakes = append(d.mistakes, what) }

// asIs decodes what encoding/json takes for a T, but for null.
func asIs[T any](raw json.RawMessage) (v T, err error) {
	if bytes.Equal(raw, []byte("null")) {
		return v, fmt.Errorf("null is no %T", v)
	}
	err = json.Unmarshal(raw, &v)
	return v, err
}

// careful makes an error of a panic: an UnmarshalJSON is the program's own, and no
// document should end the program.
func careful[T any](decode func(json.RawMessage) (T, error)) func(json.RawMessage) (T, error) {
	return func(raw json.RawMessage) (v T, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		return decode(raw)
	}
}

// whole decodes 10 and 10.0, but not 10.5.
func whole(raw json.RawMessage) (int64, error) {
	if n, err := asIs[int64](raw); err == nil {
		return n, nil
	}
	f, err := asIs[float64](raw)
	if err != nil {
		return 0, err
	}
	if f != math.Trunc(f) || math.Abs(f) >= 1<<53 { // from there on, others have become the same float64
		return 0, fmt.Errorf("%v is no whole number", f)
	}
	return int64(f), nil
}
