package rest

import (
	"errors"
	"fmt"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// The years, in UTC, in which every time lies that a request names. What lies
// outside is a mistake: the zero time stands for none further in, and RFC 3339
// ends with the year 9999.
const (
	firstYear = 2000
	lastYear  = 9998
)

func checkMoment(t time.Time) error {
	if year := t.UTC().Year(); year < firstYear || year > lastYear {
		return fmt.Errorf("a time lies in the years %d to %d; leave it out for no bound", firstYear, lastYear)
	}
	return nil
}

// checkTerms checks the times of an order; nil is none.
func checkTerms(opens, closes *time.Time) error {
	if opens != nil {
		if err := checkMoment(*opens); err != nil {
			return enroll.RefuseField("opens", "%v", err)
		}
	}
	if closes != nil {
		if err := checkMoment(*closes); err != nil {
			return enroll.RefuseField("closes", "%v", err)
		}
	}
	return nil
}

// parameter is a time in a query; zero where it is left out.
type parameter struct{ time.Time }

// UnmarshalText reads an RFC 3339 time between firstYear and lastYear.
func (p *parameter) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return errors.New("not a time of RFC 3339, such as 2030-01-31T17:00:00Z") // err would repeat it
	}
	p.Time = t
	return checkMoment(t)
}

// moment is a time as an answer tells it, nil for none. What RFC 3339 cannot
// write, and stores may hold from before requests were checked, is told as the
// first or the last time that it can.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	switch {
	case t.Year() > 9999:
		t = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
	case t.Year() < 0:
		t = time.Date(0, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	return &t
}
