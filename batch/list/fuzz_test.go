package list

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/orgconn/orgconn/batch/journal"
)

func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("../../testdata/lists/*.csv")
	if err != nil || len(files) == 0 {
		f.Fatal("no sample lists: ", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, false, 0)
		f.Add(data, true, 2)
	}
	path := filepath.Join(f.TempDir(), "pairs.csv")
	f.Fuzz(func(t *testing.T, data []byte, isRestore bool, limit int) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var names Names
		opt := Options{Command: "disable", Limit: limit, Names: &names, AnyID: limit%2 == 1}
		if isRestore {
			opt.Command = "restore"
		}
		l, err := Open(path, "pairs.csv", opt)
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("%v is no refusal", err)
			}
			printable(t, refused.Error())
			return
		}
		checkRecords(t, l)
		checkOrganizations(t, l)
		for rec := range l.Records() {
			names.Organizations.Set(rec.OrgToFind(), acme)
			names.Connections.Set(rec.ConnectionToFind(), "")
		}
		if err := l.Identify(); err != nil || l.Counts().Unidentified > 0 {
			t.Fatalf("%v, counts %+v", err, l.Counts())
		}
		checkRecords(t, l)
		checkOrganizations(t, l)
	})
}

func checkRecords(t *testing.T, l *List) {
	byOutcome := make(map[journal.Outcome]int)
	rows, line, unidentified := 0, 0, 0
	for rec, err := range l.Records() {
		if err != nil {
			t.Fatalf("accepted, but not when read again: %v", err)
		}
		if rec.Line <= line || len(rec.Carried) != len(l.Carried()) {
			t.Fatalf("after line %d: %+v", line, rec)
		}
		printable(t, rec.Message)
		rows, line = rows+1, rec.Line
		byOutcome[rec.Outcome]++
		if rec.Outcome == "" && (rec.OrgToFind() != "" || rec.ConnectionToFind() != "") {
			unidentified++
		}
	}
	got := l.Counts()
	if got.UnknownOrganizations+got.UnknownConnections != byOutcome["not_found"] {
		t.Fatalf("counts %+v, want %d with unknown names", got, byOutcome["not_found"])
	}
	got.UnknownOrganizations, got.UnknownConnections = 0, 0
	want := Counts{Rows: rows, Organizations: l.Counts().Organizations, Pairs: byOutcome[""] - unidentified, Unidentified: unidentified, Invalid: byOutcome["invalid"],
		Duplicates: byOutcome["duplicate"], NotSelected: byOutcome["not_selected"], BeyondLimit: byOutcome["not_attempted"]}
	if got != want {
		t.Fatalf("counts %+v, want %+v", got, want)
	}
}

func checkOrganizations(t *testing.T, l *List) {
	connections := map[string]bool{}
	for id := range l.Connections() {
		connections[id] = true
	}
	orgs, pairs, line := 0, 0, 0
	for org := range l.Organizations() {
		if l.opt.validateID("", orgPrefix, org.ID) != "" || org.Rows[0].Line <= line {
			t.Fatalf("after line %d: %+v", line, org)
		}
		line = org.Rows[0].Line
		for _, row := range org.Rows {
			if l.opt.validateID("", connectionPrefix, row.ConnectionID) != "" || !connections[row.ConnectionID] || row.OrgID != org.ID {
				t.Fatalf("organization %s: %+v", org.ID, row)
			}
		}
		orgs, pairs = orgs+1, pairs+len(org.Rows)
	}
	if orgs != l.Counts().Organizations || pairs != l.Counts().Pairs {
		t.Fatalf("%d organizations and %d pairs, counted %+v", orgs, pairs, l.Counts())
	}
}

// printable fails if a message has control codes, which would reach the terminal.
func printable(t *testing.T, message string) {
	if strings.ContainsFunc(message, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("%q", message)
	}
}
