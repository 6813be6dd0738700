package enroll

import (
	"context"
	"fmt"
)

// operationKeygen is what the record of a certificate says whose key was made here.
const operationKeygen = "serverkeygen"

// makersOfKeys is how many keys are made at once. One of RSA takes a processor a
// noticeable time, and whoever may have one may ask for many.
const makersOfKeys = 2

// makeKey makes the key that a request asks for, where it does and there is none yet.
// It is judged again with that key before anything is recorded.
func (s *Service) makeKey(ctx context.Context, request *opened) error {
	if request.keygen == nil || request.made != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.signing.wait)
	defer cancel()
	select {
	case s.keyMakers <- struct{}{}:
		defer func() { <-s.keyMakers }()
	case <-ctx.Done():
		return &Refusal{Code: Unavailable, Message: "too many keys are being made at once; try again", RetryAfter: usualRetry}
	}
	made, err := request.keygen.MakeKey()
	if err != nil {
		return fmt.Errorf("serverkeygen: %w", err)
	}
	request.made, request.public, request.key = made, made.Public(), made.KeyHash()
	return nil
}
