package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Effect is when a changed key takes effect.
type Effect string

// Every effect.
const (
	OnReload  Effect = "reload"  // on SIGHUP, and at a restart
	OnRestart Effect = "restart" // at a restart alone
)

// Key is a key of the file and when a change of it takes effect. In a list of things
// that have keys, all of them do as the list does.
type Key struct {
	Path   string `json:"key"`
	Effect Effect `json:"takes_effect"`
}

// Keys lists the keys of the file, in its order.
func Keys() []Key { return keysBelow("", reflect.TypeFor[File](), OnRestart) }

func keysBelow(path string, t reflect.Type, above Effect) []Key {
	var keys []Key
	for i := range t.NumField() {
		field := t.Field(i)
		at, effect := fieldAt(path, field, above)
		if isStruct(field.Type) && effect == OnRestart {
			keys = append(keys, keysBelow(at, field.Type, effect)...)
		} else {
			keys = append(keys, Key{at, effect})
		}
	}
	return keys
}

// isStruct leaves out types that are written as one value, which have no keys.
func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Tag.Get("yaml") != ""
}

// fieldAt returns a field's path, and its effect: its own, or that of what it is in.
func fieldAt(path string, field reflect.StructField, above Effect) (string, Effect) {
	name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	if field.Tag.Get("reload") == "live" {
		above = OnReload
	}
	return strings.TrimPrefix(path+"."+name, "."), above
}

// Changed returns the keys whose values differ between two files, as far as they take
// effect so, sorted. It compares what is written: a default that is spelled out is a
// change.
func Changed(before, after File, effect Effect) []string {
	d := differ{want: effect}
	d.structs("", reflect.ValueOf(before), reflect.ValueOf(after), OnRestart)
	slices.Sort(d.found)
	return d.found
}

type differ struct {
	want  Effect
	found []string
}

func (d *differ) structs(path string, before, after reflect.Value, above Effect) {
	for i := range before.NumField() {
		at, effect := fieldAt(path, before.Type().Field(i), above)
		d.values(at, before.Field(i), after.Field(i), effect)
	}
}

func (d *differ) values(at string, before, after reflect.Value, effect Effect) {
	switch {
	case isStruct(before.Type()):
		d.structs(at, before, after, effect)
	case reflect.DeepEqual(before.Interface(), after.Interface()):
	case before.Kind() == reflect.Slice && before.Len() == after.Len():
		for i := range before.Len() {
			d.values(fmt.Sprintf("%s[%d]", at, i), before.Index(i), after.Index(i), effect)
		}
	case effect == d.want:
		d.found = append(d.found, at)
	}
}

// KeepForRestart puts what the process began with in the place of what a restart alone
// would change.
func (s *Settings) KeepForRestart(begun *Settings) {
	s.Store, s.PEN, s.ArchiveDir, s.LogOrigin = begun.Store, begun.PEN, begun.ArchiveDir, begun.LogOrigin
	s.Device, s.API, s.Status, s.Metrics = begun.Device, begun.API, begun.Status, begun.Metrics
}
