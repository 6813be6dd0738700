// Command touchmark gives every device an X.509 identity on the factory line,
// keeps it fresh, and withdraws it everywhere within seconds.
//
// One program is the server, the ceremony that anchors it to a corporate root,
// and the tool of operators, auditors and lines:
//
//	quickstart, serve, config, ca, breakglass init, restore   on the server's machine
//	everything else                                           from anywhere, through the REST API
//
// touchmark help COMMAND teaches each of them. Exit codes: 0 done, 1 failed, 2
// wrong use, 3 not allowed or not signed in, 4 not found, 5 refused by the state
// of things, 6 unavailable.
package main
