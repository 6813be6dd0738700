// Package policy says what a branch of the fleet tree demands of its devices, and
// how a fleet inherits that from the fleets above it.
//
// A policy is written down as a [Config], checked by [New], and kept as a
// [Policy]. What holds at a fleet is the [Effective] of all policies from the root
// down to it, made by [Evaluate] or, fleet by fleet, by [Effective.Below].
//
// # Inheritance
//
// Walking down from the root, each field has a value, which is what holds, and a
// bound, which is the loosest that the fleets below may set. At the root's top the
// value is the field's default, and there is no bound.
//
//   - A fleet that does not set a field changes neither.
//   - A fleet that sets it gets what it says, cut down to the bound.
//   - It then closes the field: what holds there becomes the bound for all fleets
//     below, unless it names the field in loosen, which leaves the bound as it was.
//
// So the value never passes the bound, and the bound only ever gets tighter on the
// way down: no loosen gives more than the fleets above allow. Tighter is the
// shorter duration, the smaller number, the smaller set of what is accepted, the
// larger set of what waits for approval, and refuse before allow. The profile and
// owner_in_certificate know no tighter: what a fleet sets and closes stays as it is.
//
// Two defaults are the tightest there is, no grace and refused forks, and
// approval_lifetime defaults to a day. They bind nobody: until a fleet sets such a
// field there is no bound, and any fleet may set it.
//
// [Check] refuses a policy that would pass its bound when it is set. A fleet that
// moves, or a fleet above that tightens later, may leave one that does: it is cut
// down, and [Effective.Explain] says so.
//
// The package knows neither a store nor a clock, and its values may be shared.
package policy
