// Package clientcmd holds the commands that work from anywhere: on a server
// through its REST API, or offline on what came from one.
//
// Each command translates and decides nothing: flags become one request, the
// answer becomes text for people or, with --json, the JSON that the API gave.
// Errors keep the code that the server said; the program's one table turns it
// into the exit code.
package clientcmd
