package judge

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Point is one measurement.
type Point struct {
	At    time.Duration // since the beginning of the run
	Value float64
}

// Rule says what flat means.
type Rule struct {
	// Share is how much of its median a series may rise by over the time that is judged.
	Share float64 `json:"share"`
	// Slack is a rise that means nothing, in the series's unit.
	Slack float64 `json:"slack"`
	// Most bounds each value's median; 0 for no bound.
	Most float64 `json:"most,omitempty"`
}

// fewest is how many points are needed to say anything.
const fewest = 6

// mostPoints bounds the pairs that are looked at: more points are thinned out.
const mostPoints = 1000

// Verdict is what is said of a series.
type Verdict struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Points int     `json:"points"`
	Median float64 `json:"median"`
	First  float64 `json:"first"` // of the line
	Last   float64 `json:"last"`
	// Rise is what the line rises by, and Allowed what it may.
	Rise    float64 `json:"rise"`
	Allowed float64 `json:"allowed"`
	Flat    bool    `json:"flat"`
	// Trend is Mann and Kendall's Z: how sure it is that there is one at all.
	Trend float64 `json:"trend"`
	// Why says what is wrong; empty where nothing is.
	Why string `json:"why,omitempty"`
	// Note says by what else than its own figures it is flat.
	Note string `json:"note,omitempty"`
}

// sure is the Z from which on a trend is one: chance gets there once in 200 times.
const sure = 2.58

// Judge fits a line through points, which are in the order of time.
func Judge(name, unit string, points []Point, rule Rule) Verdict {
	v := Verdict{Name: name, Unit: unit, Points: len(points)}
	if len(points) < fewest {
		v.Why = fmt.Sprintf("%d points; %d are needed to say anything", len(points), fewest)
		return v
	}
	points = thin(points)
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = p.Value
	}
	slope := slopeOf(points)
	v.Median = median(values)
	length := (points[len(points)-1].At - points[0].At).Seconds()
	v.Rise = slope * length
	v.Trend = trendOf(values)
	v.First, v.Last = v.Median-v.Rise/2, v.Median+v.Rise/2
	v.Allowed = max(rule.Share*math.Abs(v.Median), rule.Slack)
	switch {
	case v.Rise > v.Allowed && v.Trend >= sure:
		v.Why = "it grows"
	case rule.Most > 0 && v.Median > rule.Most:
		v.Why = fmt.Sprintf("more than %g", rule.Most)
	default:
		v.Flat = true
	}
	return v
}

// slopeOf is Theil and Sen's, in units a second.
func slopeOf(points []Point) float64 {
	var slopes []float64
	for i, a := range points {
		for _, b := range points[i+1:] {
			if b.At > a.At {
				slopes = append(slopes, (b.Value-a.Value)/(b.At-a.At).Seconds())
			}
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	return median(slopes)
}

// trendOf is the Z of Mann and Kendall's test (Kendall, Rank Correlation Methods, 1975),
// without its correction for ties, which would make it larger.
func trendOf(values []float64) float64 {
	var s float64
	for i, a := range values {
		for _, b := range values[i+1:] {
			switch {
			case b > a:
				s++
			case b < a:
				s--
			}
		}
	}
	n := float64(len(values))
	deviation := math.Sqrt(n * (n - 1) * (2*n + 5) / 18)
	switch {
	case s > 0:
		return (s - 1) / deviation
	case s < 0:
		return (s + 1) / deviation
	}
	return 0
}

// Relative divides each point by the one of by at the same time. Those that by has not
// are left out.
func Relative(points, by []Point) (quotients []Point) {
	values := map[time.Duration]float64{}
	for _, p := range by {
		values[p.At] = p.Value
	}
	for _, p := range points {
		if value := values[p.At]; value > 0 {
			quotients = append(quotients, Point{At: p.At, Value: p.Value / value})
		}
	}
	return quotients
}

// thin keeps every n-th point.
func thin(points []Point) []Point {
	every := (len(points) + mostPoints - 1) / mostPoints
	if every <= 1 {
		return points
	}
	var kept []Point
	for i := 0; i < len(points); i += every {
		kept = append(kept, points[i])
	}
	return kept
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Timed is how long one request took.
type Timed struct {
	At, Took time.Duration
}

// Percentiles cuts a time into parts and returns the p-th percentile (0 < p ≤ 1) of
// what was timed in each, in milliseconds. Parts without any have none.
func Percentiles(timed []Timed, from, to time.Duration, parts int, p float64) (points []Point) {
	length := (to - from) / time.Duration(parts)
	within := make([][]float64, parts)
	for _, t := range timed {
		if t.At < from || t.At >= to || length <= 0 {
			continue
		}
		if i := int((t.At - from) / length); i < parts {
			within[i] = append(within[i], float64(t.Took)/float64(time.Millisecond))
		}
	}
	for i, took := range within {
		if len(took) == 0 {
			continue
		}
		slices.Sort(took)
		at := min(max(int(math.Ceil(p*float64(len(took))))-1, 0), len(took)-1)
		points = append(points, Point{At: from + length*time.Duration(i) + length/2, Value: took[at]})
	}
	return points
}
