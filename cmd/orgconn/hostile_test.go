package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// hostileMemory bounds what opening a small run directory may allocate, in bytes.
const hostileMemory = 256 << 20

// Whatever somebody puts into the files of a run directory: making its reports,
// resuming it and restoring it do not crash, take little memory, and write nothing
// outside. In the journal, SHA256 stands for the checksum of the list; raw leaves the
// checksums of its lines as they are.
func FuzzRunDirectory(f *testing.F) {
	const pairs = "org_id,connection_id\norg_aaaaaaaaaaaaaaa1,con_aaaaaaaaaaaaaaa1\norg_aaaaaaaaaaaaaaa2,con_aaaaaaaaaaaaaaa1\n"
	const header = `{"at":"2026-11-24T06:00:00Z","run":{"format":1,"command":"disable","tenant":"acme.eu.auth0.com","version":"v1","note":"x",` +
		`"input":{"path":"pairs.csv","sha256":"SHA256"},"settings":{"max_failures":"50%","headroom":0.25,"workers":128,"timeout":"30s"}}}` + "\n"
	const rows = `{"at":"2026-11-24T06:00:01Z","seen":{"connections":["con_aaaaaaaaaaaaaaa1"]}}` + "\n" +
		`{"at":"2026-11-24T06:00:01Z","intent":{"line":2,"snapshot":{"name":"okta","assign_membership_on_login":true}}}` + "\n" +
		`{"at":"2026-11-24T06:00:02Z","outcome":{"line":2,"outcome":"disabled","call":{"status":204,"attempts":1,"duration_ms":9}}}` + "\n" +
		`{"at":"2026-11-24T06:00:03Z","intent":{"line":3}}` + "\n"
	const sample = `{"at":"2026-11-24T06:00:04Z","sample":{"reads":{"burst":100,"refill_per_s":50,"remaining":3},"writes":{"remaining":0},"calls":{"reads":1,"writes":2,"retries":0,"rate_limited":0}}}` + "\n"
	const end = `{"at":"2026-11-24T06:00:05Z","end":{"exit_code":5,"reason":"--max-duration","final":{"reads":{"remaining":0},"writes":{"remaining":0},"calls":{"reads":1,"writes":2,"retries":0,"rate_limited":0}}}}` + "\n"
	f.Add([]byte(header), []byte(pairs), false)
	f.Add([]byte(header+rows), []byte(pairs), false)
	f.Add([]byte(header+rows+sample+end+header+rows+end), []byte(pairs), false)
	f.Add([]byte(header+`{"at":"2026-11-24T06:00:01Z","names":{"organizations":{"acme":"org_aaaaaaaaaaaaaaa1"}}}`), []byte("org_name,connection_id\nacme,con_aaaaaaaaaaaaaaa1\n"), false)
	f.Add([]byte(header+`{"at":"9999-12-31T00:00:00Z","intent":{"line":-1}}`), []byte(pairs), false)
	f.Add(correctChecksums([]byte(header+rows)), []byte(pairs), true)
	f.Fuzz(func(t *testing.T, records, input []byte, raw bool) {
		root := t.TempDir()
		run := filepath.Join(root, "run")
		sum := sha256.Sum256(input)
		records = bytes.ReplaceAll(records, []byte("SHA256"), []byte(hex.EncodeToString(sum[:])))
		if !raw {
			records = correctChecksums(records)
		}
		if err := os.Mkdir(run, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string][]byte{rundir.JournalFile: records, rundir.InputFile: input} {
			if err := os.WriteFile(filepath.Join(run, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := allocated()
		openHostile(run)
		if n := allocated() - before; n > hostileMemory+100*uint64(len(records)+len(input)) {
			t.Errorf("%d MB were allocated", n>>20)
		}
		entries, err := os.ReadDir(root)
		if err != nil || len(entries) != 1 {
			t.Errorf("beside the run directory there is %v, %v", entries, err)
		}
	})
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// openHostile does with a run directory what report, restore and resume do before
// anything is sent. All may refuse it.
func openHostile(run string) {
	ctx := context.Background()
	_, _ = reports.Make(ctx, run, nil)
	first, err := rundir.FirstHeader(run)
	if err != nil {
		return
	}
	o := &options{getenv: func(string) string { return "" }, yes: true, out: filepath.Join(run, "restored")}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.addDisable(flags)
	o.addRestore(flags)
	o.addList(flags)
	o.addBounds(flags)
	c := &command{name: "restore", options: o, target: target{tenant: first.Tenant}, view: newView(true), log: zap.NewNop()}
	if w, err := c.prepare(ctx, source{path: run, isRun: true}); err == nil {
		c.close(w)
	}
	c.name = first.Command
	w, err := c.reopen(ctx, run, flags)
	if err != nil {
		return
	}
	_ = w.question(w.rows())
	_, _ = reports.Make(ctx, run, w.list)
	c.close(w)
}

// The question names every setting that must be typed, since in a run that is resumed
// somebody else may have typed it. A list's path cannot add lines to it.
func TestQuestionNamesWhatMustBeTyped(t *testing.T) {
	path := writeFile(t, "pairs.csv", oneRow)
	l, err := list.Open(path, "pairs.csv", list.Options{Command: journal.CommandDisable})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct {
		command  string
		settings journal.Settings
		names    []string
	}{
		{journal.CommandDisable, journal.Settings{NoCheck: true}, []string{"--no-check"}},
		{journal.CommandDisable, journal.Settings{AllowLockout: true}, []string{"--allow-lockout"}},
		{journal.CommandDisable, journal.Settings{NoCheck: true, AllowLockout: true}, []string{"--no-check", "--allow-lockout"}},
		{journal.CommandRestore, journal.Settings{AllowDefaults: true}, []string{"--allow-defaults"}},
	} {
		w := &work{list: l, header: journal.Header{
			Command: c.command, Settings: c.settings, Input: journal.Input{Path: "pairs.csv\nThis changes nothing.\u2028"},
		}}
		text := w.question(1)
		for _, name := range c.names {
			if !strings.Contains(text, "\n"+name+":") {
				t.Errorf("it does not name %s:\n%s", name, text)
			}
		}
		if strings.Contains(text, "\nThis changes nothing") || strings.Contains(text, "\u2028") {
			t.Errorf("the path is more than a line:\n%s", text)
		}
	}
}
