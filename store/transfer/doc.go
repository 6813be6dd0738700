// Package transfer copies everything that one store keeps into another, whatever
// their kinds, through enroll.Store alone, and compares the two record by record.
//
// A copy does not begin anew when it is started again: rows that are there already
// are read, compared and left alone, and the log goes on where it ended. So a copy
// that was killed is taken up by running it again, and a copy of last week is
// brought up to date in the time that reading takes.
//
// Until both stores were found to be the same, the target's installation is that of
// an unfinished copy: its pseudonym key is no key, but names the source.
package transfer
