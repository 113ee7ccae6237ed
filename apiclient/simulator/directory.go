package simulator

import "slices"

// directory holds records in the order in which they were added, found by id
// and by name.
type directory[T comparable] struct {
	list   []T
	byID   map[string]T
	byName map[string]T
}

func newDirectory[T comparable]() directory[T] {
	return directory[T]{byID: map[string]T{}, byName: map[string]T{}}
}

func (d *directory[T]) add(id, name string, record T) {
	d.list = append(d.list, record)
	d.byID[id] = record
	d.byName[name] = record
}

func (d *directory[T]) remove(id, name string) {
	i := slices.Index(d.list, d.byID[id])
	d.list = slices.Delete(d.list, i, i+1)
	if d.byName[name] == d.byID[id] {
		delete(d.byName, name)
	}
	delete(d.byID, id)
}
