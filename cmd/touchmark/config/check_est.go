package config

import (
	"slices"

	"github.com/touchmark/touchmark/enroll"
)

func (c *checker) channelBinding(text string) enroll.BindingRule {
	rule := enroll.BindingRule(orDefault(text, string(enroll.BindingOffered)))
	if !slices.Contains(enroll.BindingRules(), rule) {
		c.faults.add("est.channel_binding", "%.40q is none of %v", text, enroll.BindingRules())
		return enroll.BindingOffered
	}
	return rule
}
