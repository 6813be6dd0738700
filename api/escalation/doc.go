// Package escalation is a test and nothing else: that the API cannot be bent into
// more power than was given.
//
// It takes the list of operations from the doors themselves, and asks for each of
// them as everybody whom it can think of, about things in every part of the fleet
// tree. What each answer must be it knows from a model of authority of its own, which
// was written from the issue and the documentation and shares no code with package
// enroll. Whoever adds an operation has to say here who may use it: an operation that
// the model does not know fails the test.
package escalation
