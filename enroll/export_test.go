package enroll

import "context"

// PublishDue has the publisher do what is due now.
func (s *Service) PublishDue(ctx context.Context) error { return s.publisher.publishDue(ctx) }

// SplitBits is splitBits.
func SplitBits(n uint64) uint8 { return splitBits(n) }
