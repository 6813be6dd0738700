package bolt

import (
	"reflect"
	"testing"

	"github.com/touchmark/touchmark/enroll"
)

// EncodeDevice writes a device's row.
func EncodeDevice(tb testing.TB, d enroll.Device) []byte { return encoded(tb, newDeviceRow(&d)) }

// EncodeOrder writes an order's row.
func EncodeOrder(tb testing.TB, o enroll.Order) []byte { return encoded(tb, newOrderRow(&o)) }

func encoded(tb testing.TB, row any) []byte {
	tb.Helper()
	data, err := encodeRow(row)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// CompareReaders reads data as each row that is read by hand, and by the library:
// what the hand accepts the library accepts, and both find the same. It reports
// whether the hand accepted anything.
func CompareReaders(t *testing.T, data []byte) (read bool) {
	t.Helper()
	for _, rows := range [][2]any{
		{&deviceRow{}, &deviceRow{}},
		{&deviceIndexed{}, &deviceIndexed{}},
		{&orderRow{}, &orderRow{}},
		{&orderQuantity{}, &orderQuantity{}},
		{&fleetRow{}, &fleetRow{}},
	} {
		hand, library := rows[0], rows[1]
		if unmarshalRow(data, hand) != nil {
			continue
		}
		read = true
		if err := rowDecoding.Unmarshal(data, library); err != nil {
			t.Errorf("%T %x: the library refuses: %v", hand, data, err)
		}
		if !reflect.DeepEqual(hand, library) {
			t.Errorf("%T %x: by hand %+v, by the library %+v", hand, data, hand, library)
		}
	}
	return read
}
