// Package traffic sends single requests to a running touchmark serve, as devices,
// operators and relying parties do, and says what was answered and how long it took.
// It judges nothing: package fleet does, and those who send too much, or for too long
// (overload, soak).
package traffic
