package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// unknownKeys compares what is written with the keys of File.
func unknownKeys(written any) Faults {
	var faults Faults
	faults.findUnknown("", written, reflect.TypeFor[File]())
	return faults
}

func (f *Faults) findUnknown(path string, written any, want reflect.Type) {
	switch want.Kind() {
	case reflect.Struct:
		mapping, ok := written.(map[string]any)
		if !ok {
			return // the decoder says so, with the line
		}
		known := keysOf(want)
		for _, key := range slices.Sorted(maps.Keys(mapping)) {
			at := strings.TrimPrefix(path+"."+key, ".")
			field, ok := known[key]
			if !ok {
				f.add(at, "there is no such key; %s", hint(path, known))
				continue
			}
			if field == reflect.TypeFor[Roles]() && path != "" && mapping[key] == nil {
				// A provider without the key has the roles at the top; whoever commented out
				// all of them does not mean that.
				f.add(at, "nothing stands there; write {} for no roles, or leave out the key to have the roles at the top")
			}
			f.findUnknown(at, mapping[key], field)
		}
	case reflect.Slice:
		list, _ := written.([]any)
		for i, item := range list {
			f.findUnknown(fmt.Sprintf("%s[%d]", path, i), item, want.Elem())
		}
	default: // maps and plain values hold no keys of ours
	}
}

func keysOf(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		keys[key] = t.Field(i).Type
	}
	return keys
}

func hint(path string, known map[string]reflect.Type) string {
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	if path == "" {
		return "at the top there are " + names
	}
	return "in " + path + " there are " + names
}
