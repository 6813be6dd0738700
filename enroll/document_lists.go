package enroll

import (
	"strings"

	"github.com/touchmark/touchmark/identity"
)

// documentList names a list of documents.
type documentList struct {
	kind   DocumentKind
	prefix string
}

// cursor is the cursor of a place in the list, among others; none has a blank.
func (l documentList) cursor(after string) string {
	return string(l.kind) + " " + l.prefix + " " + after
}

// below returns the lists of what stands below each of the fleets.
func below(kind DocumentKind, fleets []identity.FleetID) []documentList {
	lists := make([]documentList, len(fleets))
	for i, fleet := range fleets {
		lists[i] = documentList{kind, string(fleet) + "/"}
	}
	return lists
}

// maxLists bounds how many lists are looked at for one part.
const maxLists = 1_000

// readLists reads a part of several lists, one after the other, so that a branch is
// listed without a look at the rest. pick makes an item of a document, or leaves it
// out.
func readLists[T any](r Reader, lists []documentList, page Page, pick func(documentList, Document) (T, bool, error)) (list List[T], err error) {
	if lists, page.After, err = goOn(lists, page.After); err != nil {
		return list, err
	}
	if page.Limit < 1 || page.Limit > MaxPage {
		page.Limit = DefaultPage
	}
	for i, from := range lists {
		if i == maxLists || page.Limit == 0 {
			list.Next = from.cursor("")
			return list, nil
		}
		found, err := r.Documents(from.kind, from.prefix, page)
		if err != nil {
			return list, err
		}
		for _, d := range found.Items {
			item, told, err := pick(from, d)
			if err != nil {
				return list, err
			}
			if told {
				list.Items = append(list.Items, item)
			}
		}
		if found.Next != "" {
			list.Next = from.cursor(found.Next)
			return list, nil
		}
		page.After, page.Limit = "", page.Limit-len(found.Items)
	}
	return list, nil
}

// goOn drops the lists before the one that a cursor stands in.
func goOn(lists []documentList, cursor string) ([]documentList, string, error) {
	if cursor == "" {
		return lists, "", nil
	}
	for i, from := range lists {
		if after, found := strings.CutPrefix(cursor, from.cursor("")); found {
			return lists[i:], after, nil
		}
	}
	return nil, "", ErrCursor
}
