package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/rest"
	"github.com/touchmark/touchmark/api/rest/resource"
	"github.com/touchmark/touchmark/api/rest/resttest"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
	"github.com/touchmark/touchmark/identity/policy"
)

func policyText(text string) resource.PolicyText {
	return resource.PolicyText{RawMessage: json.RawMessage(text)}
}

func TestFleetCalls(t *testing.T) {
	ctx := t.Context()
	c := dial(t, rest.New(resttest.Open(t).Config), "admin")
	line, err := c.CreateFleet(ctx, "/berlin/line-3")
	check(t, err)
	at, err := c.FleetAt(ctx, "/berlin/line-3")
	check(t, err)
	byID, err := c.Fleet(ctx, line.ID)
	check(t, err)
	if !reflect.DeepEqual(at, line) || !reflect.DeepEqual(byID, line) || line.Path != "/berlin/line-3" {
		t.Errorf("created %+v, is %+v and %+v", line, at, byID)
	}
	below, err := c.FleetsPart(ctx, "/berlin", resource.Page{})
	check(t, err)
	if len(below.Items) != 1 || below.Items[0].ID != line.ID {
		t.Errorf("below Berlin are %+v", below)
	}
	if _, err := c.FleetAt(ctx, "/nowhere"); client.CodeOf(err) != enroll.NotFound {
		t.Errorf("nowhere is %v", err)
	}

	set, err := c.SetPolicy(ctx, line.ID, resource.PolicyChange{Policy: policyText(`{"lifetime": "7d", "approval": []}`)})
	check(t, err)
	if set.PolicyVersion != 1 || set.Policy.Lifetime == nil || set.Policy.Approval == nil {
		t.Errorf("set %+v", set)
	}
	if _, err := c.SetPolicy(ctx, line.ID, resource.PolicyChange{Policy: policyText(`{}`), Version: 7}); client.CodeOf(err) != enroll.Conflict {
		t.Errorf("set over a change: %v", err)
	}
	// What is read can be set again, and says the same.
	text, err := json.Marshal(set.Policy)
	check(t, err)
	again, err := c.SetPolicy(ctx, line.ID, resource.PolicyChange{Policy: policyText(string(text)), Version: 1})
	check(t, err)
	if !reflect.DeepEqual(again, set) {
		t.Errorf("set again it is %+v, was %+v", again, set)
	}
	holds, err := c.FleetEffective(ctx, line.ID)
	check(t, err)
	if len(holds.Settings) != len(policy.Fields()) || holds.Settings[1].Field != policy.FieldLifetime || holds.Settings[1].Text != "7d" {
		t.Errorf("what holds is %+v", holds)
	}
	_, err = c.CreateOrder(ctx, resource.NewOrder{Fleet: "/berlin/line-3", Model: "TH20", Quantity: 1, Serials: []string{"SN1"}})
	check(t, err)
	device, err := c.DeviceEffective(ctx, "TH20-SN1")
	check(t, err)
	if !reflect.DeepEqual(device, holds) {
		t.Errorf("holds for the device: %+v", device)
	}

	change := resource.PreviewedChange{FleetEdit: resource.FleetEdit{Name: "line-4", Parent: "/"}}
	preview, err := c.PreviewPart(ctx, line.ID, change, "")
	check(t, err)
	if preview.Devices != 1 || preview.Next != "" {
		t.Errorf("a move would do %+v", preview)
	}
	moved, err := c.EditFleet(ctx, line.ID, change.FleetEdit)
	check(t, err)
	if moved.Path != "/line-4" {
		t.Errorf("moved to %+v", moved)
	}
}

func TestGrantAndRoleCalls(t *testing.T) {
	ctx := t.Context()
	c := dial(t, rest.New(resttest.Open(t).Config), "admin")
	role, err := c.PutRole(ctx, "looker", []string{"device.read"})
	check(t, err)
	roles, err := c.RolesPart(ctx, resource.Page{Limit: 100})
	check(t, err)
	if !reflect.DeepEqual(roles.Items[len(roles.Items)-1], role) {
		t.Errorf("put %+v, lists %+v", role, roles)
	}
	end := resttest.Begin().Add(time.Hour)
	grant, err := c.CreateGrant(ctx, resource.NewGrant{For: "oidc:https://idp.example#erika", Role: "looker", Fleet: "/", Until: &end})
	check(t, err)
	shown, err := c.Grant(ctx, grant.ID)
	check(t, err)
	grants, err := c.GrantsPart(ctx, client.GrantFilter{Fleet: "/", For: grant.For}, resource.Page{})
	check(t, err)
	if !reflect.DeepEqual(shown, grant) || len(grants.Items) != 1 || !reflect.DeepEqual(grants.Items[0], grant) {
		t.Errorf("created %+v, shows %+v, lists %+v", grant, shown, grants)
	}
	said, err := c.Explain(ctx, resource.Question{As: "group:https://idp.example#admin", Permission: "device.read", On: "/"})
	check(t, err)
	if !said.Allowed || said.Deciding == nil || said.Deciding.Role != "admin" {
		t.Errorf("explained %+v", said)
	}
	check(t, c.DeleteGrant(ctx, grant.ID))
	check(t, c.DeleteRole(ctx, "looker"))
	if err := c.DeleteGrant(ctx, grant.ID); client.CodeOf(err) != enroll.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestCallsThatWait(t *testing.T) {
	ctx := t.Context()
	door := resttest.Open(t)
	handler := rest.New(door.Config)
	admin, security, breakGlass := dial(t, handler, "admin"), dial(t, handler, "security"), dial(t, handler, door.BreakGlass)
	_, err := admin.CreateOrder(ctx, resource.NewOrder{Fleet: "/berlin", Model: "TH20", Quantity: 1, Serials: []string{"SN1"}})
	check(t, err)
	_, err = breakGlass.SetPolicy(ctx, "root", resource.PolicyChange{Policy: policyText(`{"approval": ["actions", "authority"]}`)})
	check(t, err)
	asked := func(err error) resource.Approval {
		t.Helper()
		var waiting *client.Waiting
		if !errors.As(err, &waiting) || waiting.RetryAfter != time.Minute || waiting.Approval.State != "waiting" || client.CodeOf(err) != "" {
			t.Fatalf("got %v, want that it waits", err)
		}
		if !strings.Contains(err.Error(), waiting.Approval.ID) {
			t.Errorf("says %v", err)
		}
		return waiting.Approval
	}
	revoke := func(why string) resource.Approval {
		t.Helper()
		door.Clock.Add(time.Second) // requests of one moment have no order
		_, err := security.ActOnDevice(ctx, "TH20-SN1", identity.Revoke, resource.Action{Comment: why})
		return asked(err)
	}
	first, second, third := revoke("a"), revoke("b"), revoke("c")
	listed, err := admin.ApprovalsPart(ctx, true, resource.Page{})
	check(t, err)
	if len(listed.Items) != 3 || !reflect.DeepEqual(listed.Items[0], first) {
		t.Errorf("asked for %+v, lists %+v", first, listed)
	}
	withdrawn, err := security.Withdraw(ctx, first.ID, "the wrong device")
	check(t, err)
	denied, err := admin.Deny(ctx, second.ID, "not today")
	check(t, err)
	approved, err := admin.Approve(ctx, third.ID, "")
	check(t, err)
	if withdrawn.State != "withdrawn" || *denied.Comment != "not today" || approved.State != "approved" {
		t.Errorf("%+v, %+v, %+v", withdrawn, denied, approved)
	}
	shown, err := admin.Approval(ctx, third.ID)
	check(t, err)
	device, err := admin.Device(ctx, "TH20-SN1")
	check(t, err)
	if !reflect.DeepEqual(shown, approved) || device.State != "revoked" {
		t.Errorf("shows %+v, and the device is %s", shown, device.State)
	}
	// Calls without an answer of their own wait as others do.
	grant, err := breakGlass.CreateGrant(ctx, resource.NewGrant{For: "oidc:https://idp.example#erika", Role: "auditor", Fleet: "/"})
	check(t, err)
	if waiting := asked(admin.DeleteGrant(ctx, grant.ID)); waiting.Kind != "grant.delete" {
		t.Errorf("waits to %+v", waiting)
	}
}

func TestWaitingForNothing(t *testing.T) {
	for name, body := range map[string]string{"no JSON": "soon", "another form": `{"status": "soon"}`} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusAccepted)
				fmt.Fprint(w, body)
			}), "admin")
			_, err := c.CloseOrder(t.Context(), "o1")
			var waiting *client.Waiting
			if err == nil || errors.As(err, &waiting) {
				t.Errorf("got %v", err)
			}
		})
	}
	c := dial(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"items": [], "next": ""}`) }), "admin")
	if _, err := c.FleetAt(t.Context(), "/berlin"); err == nil {
		t.Error("a fleet that was not told of")
	}
}
