package bolt

// The numbers are those in row_device.go, which the library writes by.

func (row *deviceRow) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 1:
			row.Fleet = r.text()
		case 2:
			row.Order = r.text()
		case 3:
			row.State = r.text()
		case 4:
			row.Owner = r.text()
		case 5:
			row.Version = r.number()
		case 6:
			row.CreatedAt = r.stamp()
		case 7:
			row.ChangedAt = r.stamp()
		case 8:
			row.Issued = r.number()
		case 9:
			row.Newest = &liveRow{}
			row.Newest.read(r)
		case 10:
			row.Live = make([]liveRow, r.count(cborArray))
			for i := range row.Live {
				row.Live[i].read(r)
			}
			r.depth--
		case 11:
			row.Ticket = &ticketRow{}
			row.Ticket.read(r)
		case 12:
			row.Enrolment = &enrolmentRow{}
			row.Enrolment.read(r)
		case 13:
			row.Reenrol = &reenrolRow{}
			row.Reenrol.read(r)
		case 14:
			row.CloneSuspectedAt = r.stamp()
		case 15:
			row.ForkedAt = r.stamp()
		case 16:
			row.OwnerGroup = r.text()
		case 17:
			row.KeyProtection = r.text()
		default:
			r.skip()
		}
	}
}

func (row *liveRow) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 1:
			r.fill(row.Serial[:])
		case 2:
			r.fill(row.Predecessor[:])
		case 3:
			r.fill(row.Key[:])
		case 4:
			row.Status = r.text()
		case 5:
			row.HeldAlone = r.flag()
		default:
			r.skip()
		}
	}
}

func (row *ticketRow) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 1:
			row.Order = r.text()
		case 2:
			r.fill(row.Hash[:])
		case 3:
			row.DrawnAt = r.stamp()
		case 4:
			row.UsedBy = &[32]byte{}
			r.fill(row.UsedBy[:])
		case 5:
			row.DrawnBy = r.text()
		default:
			r.skip()
		}
	}
}

func (row *enrolmentRow) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 1:
			row.Order = r.text()
		case 2:
			r.fill(row.Key[:])
		case 3:
			r.fill(row.Serial[:])
		default:
			r.skip()
		}
	}
}

func (row *reenrolRow) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 1:
			row.Until = r.stamp()
		case 2:
			row.AllowedAt = r.stamp()
		case 3:
			row.AllowedBy = r.text()
		default:
			r.skip()
		}
	}
}

func (row *deviceIndexed) read(r *rowReader) {
	for field := range r.fields() {
		switch field {
		case 1:
			row.Fleet = r.text()
		case 3:
			row.State = r.text()
		case 6:
			row.CreatedAt = r.stamp()
		default:
			r.skip()
		}
	}
}
