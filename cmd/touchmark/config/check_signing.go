package config

import (
	"fmt"
	"slices"

	"github.com/touchmark/touchmark/ca"
	"github.com/touchmark/touchmark/ca/keys"
	"github.com/touchmark/touchmark/enroll"
)

func (c *checker) passphrase(where keys.PassphraseConfig) keys.Passphrase {
	if where == (keys.PassphraseConfig{}) {
		return keys.Passphrase{}
	}
	if where.File != "" {
		where.File = c.file("ca.passphrase.file", where.File, "name the file with the passphrase")
		c.secretFile("ca.passphrase.file", where.File)
	}
	passphrase, err := keys.NewPassphrase(where)
	if err != nil {
		c.faults.add("ca.passphrase", "%v", err)
	}
	return passphrase
}

func (c *checker) profiles(raw []Profile) []ca.Profile {
	if len(raw) == 0 {
		raw = []Profile{{Name: enroll.DefaultProfile}}
	}
	var profiles []ca.Profile
	var names []string
	for i, p := range raw {
		key := fmt.Sprintf("profiles[%d]", i)
		config := ca.ProfileConfig{
			Name:       p.Name,
			Lifetime:   c.duration(key+".lifetime", p.Lifetime, ca.DefaultLifetime, ca.MinLifetime, ca.MaxLifetime),
			Backdate:   c.duration(key+".backdate", p.Backdate, ca.DefaultBackdate, 0, ca.MaxBackdate),
			NoRevAvail: p.NoRevAvail,
			OwnerURN:   p.OwnerURN,
		}
		profile, err := ca.NewProfile(config)
		if err != nil {
			c.faults.absorb(key, err)
			continue
		}
		if slices.Contains(names, p.Name) {
			c.faults.add(key+".name", "there is another profile called %q", p.Name)
		}
		names = append(names, p.Name)
		profiles = append(profiles, profile)
	}
	if !slices.Contains(names, enroll.DefaultProfile) {
		c.faults.add("profiles", "none is called %q; orders that name no profile use it", enroll.DefaultProfile)
	}
	return profiles
}
