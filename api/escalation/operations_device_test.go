package escalation_test

// actions are what is done to devices and certificates alike.
func actions() []string { return []string{"hold", "release", "revoke", "retire"} }

func deviceOperations() []operation {
	read := onDevice("device.read", "device.read")
	list := []operation{
		{"GET /api/v1/devices", "device.read", []form{{
			at: lists(), ask: listing("fleet"), want: listsDevices("device.read"), status: 200, reads: true,
			items: &items{things: "device", told: seesDevice("device.read"), id: member("id")},
		}, {
			name: "by the beginning of its name", at: devices(), want: readsDevices, status: 200, reads: true,
			ask: func(w *world, _ *actor, at position) request { return request{query: "q=" + w.ids["active"][at]} },
			items: &items{
				things: "device", told: seesDevice("device.read"), id: member("id"),
				only: func(w *world, at position, t thing) bool { return t.id == w.ids["active"][at] },
			},
		}}},
		{"GET /api/v1/devices/{id}", "device.read", []form{{at: devices(), ask: about("active", nil), want: read, status: 200, reads: true}}},
		{"GET /api/v1/devices/{id}/events", "device.read", []form{{at: devices(), ask: about("active", nil), want: read, status: 200, reads: true}}},
		{"GET /api/v1/devices/{id}/effective", "device.read", []form{{at: devices(), ask: about("active", nil), want: read, status: 200, reads: true}}},
		{"POST /api/v1/devices/{id}/reenrol", "device.reenrol", []form{{
			at: devices(), ask: about("active", nil), want: onDevice("device.reenrol", "device.read"), status: 200, waits: true,
		}}},
	}
	for _, action := range actions() {
		need, what := permission("device."+action), "active"
		want := onDevice(need, "device.read")
		if action == "release" {
			what = "held"
		}
		at := devices()
		if what == "held" {
			at = all()
		}
		list = append(list, operation{"POST /api/v1/devices/{id}/" + action, string(need), []form{{
			at: at, ask: about(what, nil), want: want, status: 200, waits: true, byGrant: need,
		}}})
	}
	return list
}

// listsDevices is the rule of lists that owners find their own in.
func listsDevices(need permission) rule {
	return func(a *actor, at position) outcome {
		if a.ownsAny() && !a.anywhere(need) {
			if at == nowhere {
				return allowed
			}
			return inside(need)(a, at)
		}
		return ofList(need)(a, at)
	}
}

// seesDevice is what lists of devices tell: those of branches, and to whoever may read
// no branch their own.
func seesDevice(need permission) func(*actor, thing) bool {
	return func(a *actor, t thing) bool {
		return a.may(need, t.at.place()) || a.owns(t.at) && !a.anywhere(need)
	}
}

func certificateOperations() []operation {
	list := []operation{
		{"GET /api/v1/certificates", "certificate.read", []form{
			{
				at: lists(), ask: listing("fleet"), want: listsDevices("certificate.read"), status: 200, reads: true,
				items: &items{things: "certificate", told: seesDevice("certificate.read"), id: member("serial")},
			},
			{
				name: "of one device", at: devices(), want: onDevice("certificate.read", "certificate.read"), status: 200, reads: true,
				ask: func(w *world, _ *actor, at position) request { return request{query: "device=" + w.ids["active"][at]} },
			},
		}},
		{"GET /api/v1/certificates/{serial}", "certificate.read", []form{{
			at: devices(), ask: about("active's certificate", nil), want: onDevice("certificate.read", "certificate.read"), status: 200, reads: true,
		}}},
	}
	for _, action := range actions() {
		need, what, at := permission("device."+action), "active's certificate", devices()
		if action == "release" {
			what, at = "held certificate's certificate", all()
		}
		list = append(list, operation{"POST /api/v1/certificates/{serial}/" + action, string(need), []form{{
			at: at, ask: about(what, nil), want: onDevice(need, "certificate.read"), status: 200, waits: true, byGrant: need,
		}}})
	}
	return list
}
