package resource

import "time"

// NewToken asks for a scoped token.
type NewToken struct {
	Name        string    `json:"name" doc:"What it is for, for people to read; 1 to 100 characters" example:"line 3"`
	Fleet       string    `json:"fleet" doc:"Path of the branch that it is for" example:"/berlin/line-3"`
	Permissions []string  `json:"permissions" nullable:"false" doc:"What it may do there; none that the caller does not hold there" example:"[\"ticket.draw\"]"`
	Until       time.Time `json:"until" doc:"When it ends; at most 366 days from now"`
}

// Token is a scoped token, without what opens it.
type Token struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Maker       string     `json:"maker" doc:"Id of who made it, and answers for it"`
	MakerName   *string    `json:"maker_name" doc:"What people called them then"`
	Fleet       string     `json:"fleet" doc:"Path of the branch that it is for"`
	Permissions []string   `json:"permissions" nullable:"false" doc:"What it was made for"`
	Holds       []string   `json:"holds" nullable:"false" doc:"Those of its permissions that it has now, because its maker has them"`
	Until       time.Time  `json:"until" doc:"When it ends"`
	OldUntil    *time.Time `json:"old_until" doc:"Until when the text before the last rotation is good; null where it is not"`
	CreatedAt   time.Time  `json:"created_at"`
	LastUsed    *time.Time `json:"last_used" doc:"When it last opened a call, to a quarter of an hour; null for never"`
}

// MadeToken is a scoped token with its text, told once.
type MadeToken struct {
	Token
	Text string `json:"token" doc:"What opens it; told once" example:"tmst_…"`
}

// Rotation asks for another text of a token.
type Rotation struct {
	Overlap string     `json:"overlap,omitempty" doc:"How long the text before stays good, up to 720h; it ends at once where omitted" example:"24h"`
	Until   *time.Time `json:"until,omitempty" doc:"A new end of the token; the one that it has where omitted"`
}
