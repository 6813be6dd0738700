package enroll

import (
	"context"
	"errors"
	"time"

	"github.com/touchmark/touchmark/identity"
)

// OrderEdit changes an order; nil members stay as they are. A zero Closes means
// no end.
type OrderEdit struct {
	Quantity      *int
	Opens, Closes *time.Time
	Stations      *[]string
	// Owner and OwnerGroup are as in NewOrder; empty ones leave nobody. Devices that
	// are enrolled already stay whose they are.
	Owner, OwnerGroup *string
}

// EditOrder changes an order that is not closed. The quantity cannot go below
// what is enrolled.
func (s *Service) EditOrder(ctx context.Context, p identity.Principal, id string, edit OrderEdit) (OrderInfo, error) {
	return s.changeOrder(ctx, p, id, identity.OrderEdit, OrderEdited, func(tx Tx, info *OrderInfo, now time.Time) (bool, error) {
		order := &info.Order
		if order.State(now) == OrderEnded {
			return false, Refuse(OrderClosed, "the order is closed and cannot be edited")
		}
		if edit.Quantity != nil {
			if *edit.Quantity < order.Enrolled {
				return false, Refuse(Conflict, "%d devices are enrolled already", order.Enrolled)
			}
			order.Quantity = *edit.Quantity
		}
		setIf(&order.Opens, edit.Opens)
		setIf(&order.Closes, edit.Closes)
		if err := checkTerms(order); err != nil {
			return false, err
		}
		a, err := s.access(tx, p)
		if err != nil {
			return false, err
		}
		if edit.Stations != nil {
			if err := checkStations(*edit.Stations); err != nil {
				return false, err
			}
			if order.Stations, err = a.nameStations(tx, order.Stations, *edit.Stations, info.at); err != nil {
				return false, err
			}
		}
		if edit.Owner == nil && edit.OwnerGroup == nil {
			return true, nil
		}
		return true, s.giveTo(tx, a, info, edit.Owner, edit.OwnerGroup)
	})
}

func setIf[T any](value, to *T) {
	if to != nil {
		*value = *to
	}
}

// CloseOrder closes an order for good: no device is enrolled under it any more.
// Closing again changes nothing.
func (s *Service) CloseOrder(ctx context.Context, p identity.Principal, id string) (OrderInfo, error) {
	return s.changeOrder(ctx, p, id, identity.OrderClose, OrderWasClosed, func(_ Tx, info *OrderInfo, now time.Time) (bool, error) {
		order := &info.Order
		if !order.ClosedAt.IsZero() {
			return false, nil
		}
		order.ClosedAt = now
		return true, nil
	})
}

// changeOrder reads an order that p holds permission on, has it changed, and
// writes it with an event of what happened.
func (s *Service) changeOrder(ctx context.Context, p identity.Principal, id string, permission identity.Permission, kind EventKind, change func(Tx, *OrderInfo, time.Time) (bool, error)) (OrderInfo, error) {
	if err := s.need(ctx, p, permission); err != nil {
		return OrderInfo{}, err
	}
	var info OrderInfo
	err := s.store.Update(ctx, func(tx Tx) error {
		var err error
		if info, err = s.readOrder(tx, p, id, permission); err != nil {
			return err
		}
		changed, err := change(tx, &info, s.now())
		if err != nil || !changed {
			return err
		}
		info.Version++
		info.State = info.Order.State(s.now())
		event := s.event(ctx, p, kind)
		event.at(info.at)
		event.Order, event.Count, event.Grant = info.ID, info.Quantity, info.grant
		event.Stations = s.tellStations(&info.Order)
		return errors.Join(tx.PutOrder(info.Order), s.append(tx, p, event))
	})
	return info, err
}

// Order returns an order.
func (s *Service) Order(ctx context.Context, p identity.Principal, id string) (info OrderInfo, err error) {
	if err := s.need(ctx, p, identity.OrderRead); err != nil {
		return OrderInfo{}, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		info, err = s.readOrder(r, p, id, identity.OrderRead)
		return err
	})
	return info, err
}

// readOrder returns an order that p holds permission on. Where p may not even
// read it, there is none.
func (s *Service) readOrder(r Reader, p identity.Principal, id string, permission identity.Permission) (OrderInfo, error) {
	order, err := r.Order(OrderID(id))
	if errors.Is(err, ErrNotFound) {
		return OrderInfo{}, errOrder()
	}
	if err != nil {
		return OrderInfo{}, err
	}
	info, err := s.orderInfo(r, order)
	if err != nil {
		return OrderInfo{}, err
	}
	a, err := s.access(r, p)
	if err != nil {
		return OrderInfo{}, err
	}
	if info.grant = a.grant(permission, info.at); info.grant == "" {
		if a.may(identity.OrderRead, info.at) {
			return OrderInfo{}, forbidden(permission).in(info.at)
		}
		return OrderInfo{}, errOrder().in(info.at)
	}
	return info, nil
}

func (s *Service) orderInfo(r Reader, order Order) (OrderInfo, error) {
	at, err := s.place(r, order.Fleet)
	if err != nil {
		return OrderInfo{}, err
	}
	return OrderInfo{Order: order, FleetPath: at.path, State: order.State(s.now()), at: at}, nil
}

// OrderQuery selects orders; empty members select all. Fleet means the whole
// branch.
type OrderQuery struct {
	Fleet, Model string
	Page
}

// Orders lists the orders of a branch.
func (s *Service) Orders(ctx context.Context, p identity.Principal, q OrderQuery) (List[OrderInfo], error) {
	var list List[OrderInfo]
	err := s.viewBranch(ctx, p, identity.OrderRead, q.Fleet, func(r Reader, fleets []identity.FleetID) error {
		filter := OrderFilter{Fleets: fleets, Page: q.Page}
		var err error
		if filter.Model, err = optional(q.Model, "model", identity.ParseModel); err != nil {
			return err
		}
		found, err := r.Orders(filter)
		if err != nil {
			return err
		}
		list = List[OrderInfo]{Next: found.Next}
		for _, order := range found.Items {
			info, err := s.orderInfo(r, order)
			if err != nil {
				return err
			}
			list.Items = append(list.Items, info)
		}
		return nil
	})
	return list, err
}

// optional parses a value of a query, where it is given.
func optional[T ~string](value, field string, parse func(string) (T, error)) (T, error) {
	if value == "" {
		return "", nil
	}
	parsed, err := parse(value)
	if err != nil {
		return "", RefuseField(field, "%v", err)
	}
	return parsed, nil
}
