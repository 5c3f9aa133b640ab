package logic

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"
)

// of is the value of an attribute. The first few are what attributes mostly are.
func of(a any) Value {
	switch x := a.(type) {
	case string:
		return Value{kind: text, text: x}
	case bool:
		return truth(x, false)
	case int:
		return Value{kind: number, number: float64(x)}
	case float64:
		return Value{kind: number, number: x}
	case map[string]any:
		if x != nil {
			return Value{kind: object, many: x}
		}
		return Value{}
	case json.Number:
		return Value{kind: number, number: parseNumber(x.String())}
	case time.Time:
		return Value{kind: number, number: float64(x.Unix())}
	}
	return reflected(a)
}

// reflected also sees what is declared as another type: type Plan string.
func reflected(a any) Value {
	r := reflect.ValueOf(a)
	switch {
	case a == nil:
		return Value{}
	case r.Kind() == reflect.Slice || r.Kind() == reflect.Map:
		return collected(a, r)
	case r.Kind() == reflect.String:
		return Value{kind: text, text: r.String()}
	case r.Kind() == reflect.Bool:
		return truth(r.Bool(), false)
	case r.CanInt():
		return Value{kind: number, number: float64(r.Int())}
	case r.CanUint():
		return Value{kind: number, number: float64(r.Uint())}
	case r.CanFloat():
		return Value{kind: number, number: r.Float()}
	}
	return Value{}
}

func collected(a any, r reflect.Value) Value {
	switch {
	case r.IsNil():
		return Value{}
	case r.Kind() == reflect.Slice:
		return Value{kind: list, many: a}
	case r.Type().Key().Kind() == reflect.String:
		return Value{kind: object, many: a}
	}
	return Value{}
}

// length is 0 for what is no list.
func (v Value) length() int {
	if v.kind != list {
		return 0
	}
	switch many := v.many.(type) {
	case []Value:
		return len(many)
	case []any:
		return len(many)
	case []string:
		return len(many)
	case *textList:
		return len(many.texts)
	}
	return reflect.ValueOf(v.many).Len()
}

func (v Value) at(i int) Value {
	switch many := v.many.(type) {
	case []Value:
		return many[i]
	case []any:
		return of(many[i])
	case []string:
		return Value{kind: text, text: many[i]}
	case *textList:
		return Value{kind: text, text: many.texts[i]}
	}
	return of(reflect.ValueOf(v.many).Index(i).Interface())
}

// member is null if there is none.
func (v Value) member(name string) Value {
	switch v.kind {
	case object:
		if many, ok := v.many.(map[string]any); ok {
			return of(many[name])
		}
		r := reflect.ValueOf(v.many)
		if found := r.MapIndex(reflect.ValueOf(name).Convert(r.Type().Key())); found.IsValid() {
			return of(found.Interface())
		}
	case list:
		if i, err := strconv.Atoi(name); err == nil && 0 <= i && i < v.length() {
			return v.at(i)
		}
	}
	return Value{}
}
