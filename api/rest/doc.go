// Package rest is the REST door: JSON under /api/v1, and its description at
// /openapi.json. It translates and decides nothing: every operation ends in one
// call of enroll.Service, which authorises it.
//
// What it asks of clients, beyond the OpenAPI document: a body is
// application/json, in full, and anything else is bad_request; members and query
// parameters that are not known are refused, so that a misspelt filter cannot
// select everything; times are RFC 3339.
package rest
