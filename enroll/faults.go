package enroll

import (
	"errors"
	"fmt"
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

// maxFaults bounds how many faults are told at once: a short text can have thousands.
const maxFaults = 50

// RefuseFaults refuses a value of a request, such as "policy", for all that is wrong
// within it. There is at least one fault; of very many the first are told.
func RefuseFaults(field string, faults policy.Faults) *Refusal {
	refusal := &Refusal{Code: BadRequest, Field: field, Message: faults[0].String()}
	if n := len(faults); n > maxFaults {
		faults = faults[:maxFaults]
		refusal.Message = fmt.Sprintf("%d things are wrong, the first of them: %s", n, joinWords(words(faults)))
	} else if n > 1 {
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
