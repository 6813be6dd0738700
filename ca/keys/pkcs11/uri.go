package pkcs11

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Scheme is that of PKCS#11 URIs.
const Scheme = "pkcs11"

// maxURI bounds a URI, in octets.
const maxURI = 2048

// ErrURI means that a URI is not one that names a key. Errors never tell a PIN.
var ErrURI = errors.New("PKCS#11 URI")

// URI names a token and a key in it (RFC 7512, section 2.3). Of the token at least
// one attribute is given, and of the key the label or the id.
type URI struct {
	// Token, Serial, Manufacturer and Model are attributes of the token; those that
	// are empty do not matter.
	Token, Serial, Manufacturer, Model string
	// SlotID is the slot's number, where HasSlot says that there is one. Slots change
	// their numbers; better name the token.
	SlotID  uint
	HasSlot bool
	// Object is CKA_LABEL of the key, ID is CKA_ID.
	Object string
	ID     []byte
	// PINSource is the path of a file with the PIN.
	PINSource string
	// ModulePath is the library, or empty for p11-kit's proxy.
	ModulePath string
}

// ParseURI reads a URI. A pin-value is refused: URIs stand in argument lists and
// files that others may read. Attributes that are not known are refused too, for
// what they ask for would not be looked at.
func ParseURI(text string) (URI, error) {
	rest, ok := cutScheme(text)
	if !ok || len(text) > maxURI {
		return URI{}, fmt.Errorf("%w: want pkcs11:token=…;object=…, up to %d octets", ErrURI, maxURI)
	}
	path, query, _ := strings.Cut(rest, "?")
	var u URI
	seen := map[string]bool{}
	for _, part := range []struct {
		text, separator string
		set             func(*URI, string, string) error
	}{{path, ";", (*URI).setPath}, {query, "&", (*URI).setQuery}} {
		for attribute := range strings.SplitSeq(part.text, part.separator) {
			if attribute == "" {
				continue
			}
			name, raw, _ := strings.Cut(attribute, "=")
			value, err := url.PathUnescape(raw)
			if err != nil {
				return URI{}, fmt.Errorf("%w: the value of %.40q is not percent-encoded as it should be", ErrURI, name)
			}
			if seen[name] {
				return URI{}, fmt.Errorf("%w: %.40q is there twice", ErrURI, name)
			}
			seen[name] = true
			if err := part.set(&u, name, value); err != nil {
				return URI{}, err
			}
		}
	}
	if u.Token == "" && u.Serial == "" && u.Manufacturer == "" && u.Model == "" && !u.HasSlot {
		return URI{}, fmt.Errorf("%w: it names no token; add token=, serial= or slot-id=", ErrURI)
	}
	if u.Object == "" && len(u.ID) == 0 {
		return URI{}, fmt.Errorf("%w: it names no key; add object= or id=", ErrURI)
	}
	return u, nil
}

func cutScheme(text string) (string, bool) {
	scheme, rest, found := strings.Cut(text, ":")
	return rest, found && strings.EqualFold(scheme, Scheme)
}

func (u *URI) setPath(name, value string) error {
	switch name {
	case "token":
		u.Token = value
	case "serial":
		u.Serial = value
	case "manufacturer":
		u.Manufacturer = value
	case "model":
		u.Model = value
	case "slot-id":
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return fmt.Errorf("%w: slot-id is a number", ErrURI)
		}
		u.SlotID, u.HasSlot = uint(n), true
	case "object":
		u.Object = value
	case "id":
		u.ID = []byte(value)
	case "type":
		if value != "private" {
			return fmt.Errorf("%w: type=%.40q; a key that signs is type=private", ErrURI, value)
		}
	case "pin-value", "pin-source", "module-path":
		return fmt.Errorf("%w: %s comes behind a question mark", ErrURI, name)
	default:
		return fmt.Errorf("%w: attribute %.40q is not known", ErrURI, name)
	}
	return nil
}

func (u *URI) setQuery(name, value string) error {
	switch name {
	case "pin-source":
		value = strings.TrimPrefix(value, "file:")
		if !strings.HasPrefix(value, "/") {
			return fmt.Errorf("%w: pin-source is the absolute path of a file", ErrURI)
		}
		u.PINSource = value
	case "module-path":
		if !strings.HasPrefix(value, "/") {
			return fmt.Errorf("%w: module-path is an absolute path", ErrURI)
		}
		u.ModulePath = value
	case "pin-value":
		return fmt.Errorf("%w: a PIN does not belong in a URI, which others can read in argument lists and files; give it by ca.passphrase or pin-source, and change the PIN that stood there", ErrURI)
	default:
		return fmt.Errorf("%w: attribute %.40q is not known", ErrURI, name)
	}
	return nil
}

// String returns the URI in its canonical form; ids are percent-encoded as a whole
// (RFC 7512, section 2.3).
func (u URI) String() string {
	var path, query []string
	add := func(list *[]string, name, value string) {
		if value != "" {
			*list = append(*list, name+"="+escape(value))
		}
	}
	add(&path, "token", u.Token)
	add(&path, "serial", u.Serial)
	add(&path, "manufacturer", u.Manufacturer)
	add(&path, "model", u.Model)
	if u.HasSlot {
		add(&path, "slot-id", strconv.FormatUint(uint64(u.SlotID), 10))
	}
	add(&path, "object", u.Object)
	if len(u.ID) > 0 {
		var id strings.Builder
		for _, octet := range u.ID {
			id.WriteString("%" + hex.EncodeToString([]byte{octet}))
		}
		path = append(path, "id="+id.String())
	}
	add(&query, "module-path", u.ModulePath)
	add(&query, "pin-source", u.PINSource)
	text := Scheme + ":" + strings.Join(path, ";")
	if len(query) > 0 {
		text += "?" + strings.Join(query, "&")
	}
	return text
}

// escape leaves what RFC 3986 calls unreserved, and slashes.
func escape(value string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}
