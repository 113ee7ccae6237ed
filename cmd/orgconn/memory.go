package main

import (
	"os"
	"runtime/debug"

	"github.com/orgconn/orgconn/batch/list"
)

// Memory is promised to grow little with the list: 28 MiB and 100 bytes a row
// resident, some of which the program's own code takes. Below the limit the
// garbage collector has room, which makes it cheap.
const (
	gcPercent    = 50
	memoryBase   = 18.25 * (1 << 20) // bytes
	memoryPerRow = 84                // bytes
)

// limitMemory sets what a list of so many rows may take.
func limitMemory(rows int) {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryBase + memoryPerRow*int64(rows))
}

// limitMemoryFor is limitMemory for a list that was not read yet.
func limitMemoryFor(path string) {
	f, err := os.Open(path)
	if err != nil {
		return // whoever opens it next says so
	}
	defer f.Close()
	if rows, err := list.CountRows(f); err == nil {
		limitMemory(rows)
	}
}
