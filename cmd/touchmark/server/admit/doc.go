// Package admit decides what is worked on when there is more to do than the machine
// can: early, before a body is read, and by how much it matters.
//
// A Limiter has a number of places, for requests and TLS handshakes that are worked
// on at once. Each Class has a share of the places that it may fill by itself, and a
// level up to which all classes together may have filled them before it has to wait;
// what is above that level is kept free for those before it. So a revocation finds a
// place while any number of clients enrol, and no class can keep another out for good:
// the shares are a table (shares), and a test proves what they leave to whom.
//
// Who finds no place waits, in the order of arrival, each class by itself; a place
// that gets free goes to the first class in order that may have it. How long one waits
// at most depends on whether its class has kept up (the rule of Maurer's "Fail at
// Scale", 2015, a form of CoDel, RFC 8289): a second after the queue was last empty,
// which lets a burst through, and a tenth of a second where it has not been empty for a
// second, because then waiting only makes everybody late. Who waited so long is turned
// away (ErrShed): by 503 with Retry-After, or, before there is TLS to say so in, by
// the end of the handshake.
//
// A place stands for work, not for a connection: it is given back while a request
// waits for its client's bytes, and when its answer begins.
//
// How many places there are follows from how long goroutines wait for a processor
// (Adapt): while it is short there are more, so that waiting for disks, databases and
// HSMs costs no throughput, and when it gets long there are fewer.
package admit
