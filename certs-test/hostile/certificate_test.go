package hostile_test

import (
	"encoding/base64"
	"maps"
	"slices"

	"github.com/touchmark/touchmark/certs-test/hostile/payload"
)

// certificateRows show certificates that nobody should believe, to the two doors that
// take them. That of an expired device is shown when it has expired.
func certificateRows(s *site) []row {
	good := base64.StdEncoding.EncodeToString(payload.GoodCSR())
	wants := map[string]string{
		"of DER that is broken": "alert: error decoding message", "of no DER at all": "alert: error decoding message", "of nothing": "alert: error decoding message",
		"with explicit parameters of its curve": "alert: error decoding message", "a device's without its key": "alert: error decrypting message",
	}
	vouch := encoded(m{"serial": "V1", "csr": csrPEM(payload.GoodCSR())})
	var all []row
	for _, by := range slices.Sorted(maps.Keys(s.shown)) {
		switch by {
		case "station", "device", "expired", "paris":
			continue
		}
		renew, enrol := "401", "401 unauthenticated"
		if want, found := wants[by]; found {
			renew, enrol = want, want
		}
		if by == "held" || by == "revoked" || by == "retired" {
			renew = "409 wrong_state"
		}
		all = append(all,
			row{name: "certificate/device/EST/" + by, on: device, by: by, send: reenrol(good), want: renew},
			row{name: "certificate/device/REST/" + by, on: device, by: by, send: request("POST", "/api/v1/orders/"+s.orders["line"]+"/devices", asJSON, vouch), want: enrol},
		)
	}
	return append(all,
		row{name: "certificate/device/EST/an expired device's", on: device, by: "expired", do: s.afterExpiry("expired", reenrol(good)), want: "401", aside: true, limit: 90 * oneSecond},
		row{name: "certificate/device/REST/a device that is no station", on: device, by: "device", send: request("POST", "/api/v1/orders/"+s.orders["line"]+"/devices", asJSON, vouch), want: "404 not_found"},
		row{name: "certificate/device/REST/a station of another order", on: device, by: "paris", send: request("POST", "/api/v1/orders/"+s.orders["line"]+"/devices", asJSON, vouch), want: "404 not_found"},
		row{name: "certificate/device/REST/a certificate and a token", on: device, by: "station", send: request("POST", "/api/v1/orders/"+s.orders["line"]+"/devices", authorized("x")+asJSON, vouch), want: "401 unauthenticated"},
		row{name: "certificate/api/a certificate where none is asked for", on: api, by: "station", send: request("GET", "/api/v1/whoami", "", ""), want: "401 unauthenticated"},
	)
}
