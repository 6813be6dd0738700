// Package bolt keeps what must not be lost in one file, with nothing to set up.
//
// It is enroll.Store on go.etcd.io/bbolt. Rows are CBOR in trees that are
// arranged so that an issuance touches two places that nobody can foresee (its
// device and its key) and appends everywhere else. Times are kept to the
// microsecond, in UTC.
package bolt
