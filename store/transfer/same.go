package transfer

import (
	"reflect"
	"strconv"
	"time"
)

// difference names the first member in which two rows differ, such as
// "Live[1].Status"; it is empty where they say the same. Times are the same to the
// microsecond, in any zone, and what is empty is the same as nothing: that is how
// stores keep them.
func difference[T any](a, b T) string {
	path, same := compare(reflect.ValueOf(a), reflect.ValueOf(b))
	if !same && path == "" {
		return "the row"
	}
	return path
}

// compare returns where a and b, of one type, differ.
func compare(a, b reflect.Value) (path string, same bool) {
	if a.Type() == reflect.TypeFor[time.Time]() {
		return "", a.Interface().(time.Time).UnixMicro() == b.Interface().(time.Time).UnixMicro()
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if inner, same := compare(a.Field(i), b.Field(i)); !same {
				return joined(a.Type().Field(i), inner), false
			}
		}
		return "", true
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return "", a.IsNil() == b.IsNil()
		}
		return compare(a.Elem(), b.Elem())
	case reflect.Slice:
		return compareSlices(a, b)
	case reflect.Map:
		return compareMaps(a, b)
	default:
		return "", a.Equal(b)
	}
}

func compareSlices(a, b reflect.Value) (path string, same bool) {
	if a.Len() != b.Len() {
		return "", false
	}
	if a.Type().Elem().Kind() == reflect.Uint8 {
		return "", string(a.Bytes()) == string(b.Bytes())
	}
	for i := range a.Len() {
		if inner, same := compare(a.Index(i), b.Index(i)); !same {
			return "[" + strconv.Itoa(i) + "]" + dotted(inner), false
		}
	}
	return "", true
}

// compareMaps compares maps from texts.
func compareMaps(a, b reflect.Value) (path string, same bool) {
	if a.Len() != b.Len() {
		return "", false
	}
	for _, key := range a.MapKeys() {
		other := b.MapIndex(key)
		if !other.IsValid() {
			return "[" + key.String() + "]", false
		}
		if inner, same := compare(a.MapIndex(key), other); !same {
			return "[" + key.String() + "]" + dotted(inner), false
		}
	}
	return "", true
}

// joined is the path of what is inside a member. What is embedded is not named.
func joined(member reflect.StructField, inner string) string {
	if member.Anonymous && inner != "" {
		return inner
	}
	return member.Name + dotted(inner)
}

func dotted(inner string) string {
	if inner == "" || inner[0] == '[' {
		return inner
	}
	return "." + inner
}
