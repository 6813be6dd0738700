// Package growth shows that what Touchmark costs does not grow with what it has
// done: its tests enrol many devices, look at fleets of very different size, and
// renew for a year with a clock that is told the time. As they stand they are small
// enough for every day; `make growth` runs them at full size, prints what they
// measured, and holds it to the limits.
package growth
