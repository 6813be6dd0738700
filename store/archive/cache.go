package archive

import (
	"container/list"
	"sync"
)

// cache remembers what was read last, up to a total weight.
type cache[K comparable, V any] struct {
	most int

	mu     sync.Mutex // guards what follows
	weight int
	order  *list.List // of *entry, the latest first
	byKey  map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

func newCache[K comparable, V any](most int) *cache[K, V] {
	return &cache[K, V]{most: most, order: list.New(), byKey: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.byKey[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(element)
	return element.Value.(*entry[K, V]).value, true
}

// put remembers a value and forgets those that were not asked for the longest.
func (c *cache[K, V]) put(key K, value V, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[key]; ok {
		return // read twice at once, and the same
	}
	c.byKey[key] = c.order.PushFront(&entry[K, V]{key, value, weight})
	for c.weight += weight; c.weight > c.most; {
		oldest := c.order.Back()
		forgotten := c.order.Remove(oldest).(*entry[K, V])
		delete(c.byKey, forgotten.key)
		c.weight -= forgotten.weight
	}
}
