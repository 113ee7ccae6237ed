package main

import (
	"os"
	"runtime/debug"
)

// Memory is promised to grow little with the list: 28 MiB and 100 bytes a row
// resident, some of which the program's own code takes. Below the limit the
// garbage collector has room, which makes it cheap.
const (
	gcPercent    = 50
	memoryBase   = 22 << 20 // bytes
	memoryPerRow = 80       // bytes
	bytesPerRow  = len("org_1234567890123456,con_1234567890123456\n")
)

// limitMemory sets what a list of so many rows may take.
func limitMemory(rows int) {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryBase + memoryPerRow*int64(rows))
}

// limitMemoryFor is limitMemory for a list that was not read yet.
func limitMemoryFor(path string) {
	if info, err := os.Stat(path); err == nil {
		limitMemory(int(info.Size()) / bytesPerRow)
	}
}
