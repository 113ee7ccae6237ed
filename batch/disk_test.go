package batch

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// disk holds a journal as a disk does: what was written is there for everyone
// to read, but only what was synced is there after a power loss.
type disk struct {
	mu      sync.Mutex
	random  *rand.Rand
	content []byte
	synced  int
	dead    bool         // the process that writes is gone
	intents map[int]bool // lines with a synced intent in this invocation

	suspends bool // the machine sleeps now and then
}

// sector is the unit in which a disk loses what was not synced.
const sector = 512

var errDead = errors.New("the process is dead")

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return 0, errDead
	}
	d.content = append(d.content, p...)
	return len(p), nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	end, wait := len(d.content), time.Duration(d.random.IntN(8000))*time.Microsecond
	if d.suspends && d.random.IntN(200) == 0 { // as if the machine slept between check and call
		wait = checkAge + time.Minute
	}
	d.mu.Unlock()
	time.Sleep(wait)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errDead
	}
	for line := range bytes.Lines(d.content[d.synced:end]) {
		rec, err := journal.ReadAt(bytes.NewReader(line), 0, len(line))
		if err == nil && rec.Intent != nil {
			d.intents[rec.Intent.Line] = true
		}
	}
	d.synced = end
	return nil
}

// intended says whether a line's intent is on disk.
func (d *disk) intended(line int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.intents[line]
}

// kill is the end of the process: what it wrote stays.
func (d *disk) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
}

// powerLoss is the end of the process and of what was not synced: each sector
// may be there or be zeros, and the file may be shorter.
func (d *disk) powerLoss() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	if unsynced := len(d.content) - d.synced; unsynced > 0 {
		d.content = d.content[:d.synced+d.random.IntN(unsynced+1)]
	}
	for start := d.synced; start < len(d.content); start = (start/sector + 1) * sector {
		if d.random.IntN(2) == 0 {
			clear(d.content[start:min((start/sector+1)*sector, len(d.content))])
		}
	}
}

// restart is the next process, which finds the content as it is.
func (d *disk) restart(content []byte) {
	d.content, d.synced, d.dead, d.intents = content, len(content), false, map[int]bool{}
}
