// Package server is the life of the process that touchmark serve starts: it
// opens what the configuration names, wires the one path to its doors, listens,
// and finishes what is in flight when it is told to end.
//
//	open     store, issuers, the log's key                 files and keys, nothing listens yet
//	wire     enroll.Service, OCSP responder, doors         pure construction
//	serve    four listeners and the background work        until told to end, or the store fails
//	end      not ready, no new connections, in flight done, background work done, store closed
package server
