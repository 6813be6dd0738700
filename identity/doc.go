// Package identity says who: devices and the names they go by, the fleet tree
// they stand in, the principals who call, and what each of them may do.
//
// It stands on the lowest floor: it knows nothing of HTTP, of a store or of
// certificates, and every value it returns has been checked.
package identity
