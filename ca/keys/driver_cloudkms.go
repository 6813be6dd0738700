//go:build cloudkms

package keys

import (
	"context"

	"go.step.sm/crypto/kms/apiv1"
	"go.step.sm/crypto/kms/awskms"
	"go.step.sm/crypto/kms/azurekms"
	"go.step.sm/crypto/kms/cloudkms"
)

// addCloud adds the drivers for the KMSs of AWS, Azure and Google Cloud, which this
// build has. Who may use a key there, and where, is configured as those say: by
// their environment variables, files and metadata services.
func addCloud(all map[string]driver) {
	all[awskms.Scheme] = smallstep{func(ctx context.Context, o apiv1.Options) (apiv1.KeyManager, error) { return awskms.New(ctx, o) }}
	all[azurekms.Scheme] = smallstep{func(ctx context.Context, o apiv1.Options) (apiv1.KeyManager, error) { return azurekms.New(ctx, o) }}
	all[cloudkms.Scheme] = smallstep{func(ctx context.Context, o apiv1.Options) (apiv1.KeyManager, error) { return cloudkms.New(ctx, o) }}
}
