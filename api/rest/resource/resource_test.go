package resource_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/rest/resource"
)

func TestOrderEdit(t *testing.T) {
	end := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		edit resource.OrderEdit
		want string
	}{
		"nothing":           {resource.OrderEdit{}, `{}`},
		"an end":            {resource.OrderEdit{Closes: resource.Moment{Set: true, Time: &end}}, `{"closes":"2030-01-02T03:04:05Z"}`},
		"an end at no time": {resource.OrderEdit{Closes: resource.Moment{Set: true, Time: &time.Time{}}}, `{"closes":"0001-01-01T00:00:00Z"}`},
		"an end taken away": {resource.OrderEdit{Closes: resource.Moment{Set: true}}, `{"closes":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(c.edit)
			if err != nil || string(text) != c.want {
				t.Fatalf("%s %v, want %s", text, err, c.want)
			}
			var back resource.OrderEdit
			if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, c.edit) {
				t.Errorf("%s became %+v, %v", text, back, err)
			}
		})
	}
}

func FuzzMoment(f *testing.F) {
	f.Add(`null`)
	f.Add(`"2030-01-02T03:04:05.678+02:00"`)
	f.Add(`"0001-01-01T00:00:00Z"`)
	f.Add(`"9999-12-31T23:59:58-23:59"`)
	f.Add(`"tomorrow"`)
	f.Fuzz(func(t *testing.T, text string) {
		var moment resource.Moment
		if json.Unmarshal([]byte(text), &moment) != nil {
			return
		}
		again, err := json.Marshal(moment)
		if err != nil {
			t.Fatalf("%s cannot be written again: %v", text, err)
		}
		var back resource.Moment
		if err := json.Unmarshal(again, &back); err != nil || !back.Set || (back.Time == nil) != (moment.Time == nil) || back.Time != nil && !back.Time.Equal(*moment.Time) {
			t.Errorf("%s became %s, %v", text, again, err)
		}
	})
}
