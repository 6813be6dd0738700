package enroll

import (
	"errors"
	"strings"

	"github.com/touchmark/touchmark/identity/policy"
)

// faultsOf returns what a policy was refused for.
func faultsOf(err error) policy.Faults {
	var faults policy.Faults
	if err != nil && !errors.As(err, &faults) {
		faults = policy.Faults{{Message: err.Error()}}
	}
	return faults
}

// refuseFaults refuses a value of a request for all that is wrong within it.
func refuseFaults(field string, faults policy.Faults) *Refusal {
	refusal := &Refusal{Code: BadRequest, Field: field, Message: faults[0].String()}
	if len(faults) > 1 {
		refusal.Message = "several things are wrong: " + joinWords(words(faults))
	}
	for _, fault := range faults {
		path := field
		if fault.Path != "" {
			path += "." + fault.Path
		}
		refusal.Faults = append(refusal.Faults, Fault{Field: path, Detail: fault.Message})
	}
	return refusal
}

func words(faults policy.Faults) []string {
	list := make([]string, len(faults))
	for i, fault := range faults {
		list[i] = fault.String()
	}
	return list
}

func joinWords(list []string) string { return strings.Join(list, "; ") }
