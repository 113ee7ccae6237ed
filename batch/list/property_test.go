package list

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/batch/journal"
)

// writer writes a list the way some program might, and counts its lines.
type writer struct {
	t         *rapid.T
	text      strings.Builder
	separator string
	newline   string
}

func (w *writer) line() int { return strings.Count(w.text.String(), "\n") + 1 }

// cell quotes a cell where it must, and at times where it need not.
func (w *writer) cell(s string) string {
	if strings.ContainsAny(s, ",;\t\"\n") || rapid.IntRange(0, 4).Draw(w.t, "quote") == 0 {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return rapid.SampledFrom([]string{"", "", " "}).Draw(w.t, "before") + s +
		rapid.SampledFrom([]string{"", "", "  "}).Draw(w.t, "after")
}

func (w *writer) row(cells []string) {
	for i, s := range cells {
		if i > 0 {
			w.text.WriteString(w.separator)
		}
		w.text.WriteString(w.cell(s))
	}
	w.text.WriteString(w.newline)
}

// input is a list with the records that are expected of it.
type input struct {
	data    []byte
	opt     Options
	carried []string
	records []Record
}

// drawInput draws a list. It finds the expected outcomes with maps and plain
// loops.
func drawInput(t *rapid.T) input {
	w := &writer{
		t:         t,
		separator: rapid.SampledFrom([]string{",", ";", "\t"}).Draw(t, "separator"),
		newline:   rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "newline"),
	}
	if rapid.Bool().Draw(t, "sep line") {
		w.text.WriteString("sep=" + w.separator + w.newline)
	}
	in := input{opt: Options{Command: "disable", Limit: rapid.IntRange(0, 8).Draw(t, "limit"), AnyID: rapid.Bool().Draw(t, "any id")}}
	columns := rapid.Permutation([]string{"org_id", "connection_id", "note", "", "a;b,c\t\"d\"\ne"}).Draw(t, "columns")
	for _, column := range columns {
		if column != "org_id" && column != "connection_id" && column != "" {
			in.carried = append(in.carried, column)
		}
	}
	w.row(columns)
	for range rapid.IntRange(0, 15).Draw(t, "rows") {
		in.drawRow(w, columns)
	}
	in.expectOutcomes()
	in.data = encode(t, w.text.String())
	return in
}

// drawRow draws a row; an invalid one says so in its outcome.
func (in *input) drawRow(w *writer, columns []string) {
	kind := rapid.SampledFrom([]string{"valid", "valid", "valid", "valid", "invalid", "long", "too long", "blank line", "blank"}).Draw(w.t, "kind")
	rec := Record{Line: w.line()}
	switch kind {
	case "blank line":
		w.text.WriteString(w.newline)
		return
	case "blank":
		w.row(make([]string, rapid.IntRange(1, 9).Draw(w.t, "width")))
		return
	case "invalid":
		rec.Outcome = journal.Invalid
		rec.OrgID, rec.ConnectionID = rapid.SampledFrom([]string{"org_/", "acme", okta}).Draw(w.t, "org"), okta
	default:
		rec.OrgID = rapid.SampledFrom([]string{acme, globex, initech, "org_a", "org_" + strings.Repeat("y", 40)}).Draw(w.t, "org")
		rec.ConnectionID = rapid.SampledFrom([]string{okta, saml, "con_" + strings.Repeat("z", 17)}).Draw(w.t, "connection")
		if !in.opt.AnyID && (len(rec.OrgID) != len(acme) || len(rec.ConnectionID) != len(okta)) {
			rec.Outcome = journal.Invalid
		}
	}
	cells := make([]string, 0, len(columns)+1)
	for _, column := range columns {
		switch column {
		case "org_id":
			cells = append(cells, rec.OrgID)
		case "connection_id":
			cells = append(cells, rec.ConnectionID)
		case "":
			cells = append(cells, "stray")
		default:
			text := rapid.StringOfN(rapid.SampledFrom([]rune("aü株😀=,;\t\"\n ")), 0, 8, -1).Draw(w.t, "carried")
			cells = append(cells, text)
			rec.Carried = append(rec.Carried, strings.TrimSpace(text))
		}
	}
	switch kind {
	case "long":
		cells = append(cells, "")
	case "too long":
		cells = append(cells, "", "x")
		rec.Outcome = journal.Invalid
	}
	w.row(cells)
	in.records = append(in.records, rec)
}

func (in *input) expectOutcomes() {
	first := make(map[string]int)
	for i := range in.records {
		rec := &in.records[i]
		pair := rec.OrgID + " " + rec.ConnectionID
		switch {
		case in.opt.Limit > 0 && i >= in.opt.Limit:
			rec.Outcome = journal.NotAttempted
		case rec.Outcome != "":
		case first[pair] > 0:
			rec.Outcome = journal.Duplicate
			rec.Message = fmt.Sprintf("same pair as in line %d", first[pair])
		default:
			first[pair] = rec.Line
		}
	}
}

// encode encodes the list, at times without its last newline.
func encode(t *rapid.T, text string) []byte {
	if rapid.Bool().Draw(t, "no last newline") {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	}
	encoding := rapid.SampledFrom([]string{"UTF-8", "UTF-8 BOM", "UTF-16LE", "UTF-16BE"}).Draw(t, "encoding")
	encoder := unicode.UTF8.NewEncoder()
	switch encoding {
	case "UTF-8 BOM":
		encoder = unicode.UTF8BOM.NewEncoder()
	case "UTF-16LE":
		encoder = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder()
	case "UTF-16BE":
		encoder = unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder()
	}
	data, err := encoder.Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// organizations is what Organizations should yield.
func (in *input) organizations() []Organization {
	var orgs []Organization
	for _, rec := range in.records {
		if rec.Outcome != "" {
			continue
		}
		i := slices.IndexFunc(orgs, func(o Organization) bool { return o.ID == rec.OrgID })
		if i < 0 {
			i = len(orgs)
			orgs = append(orgs, Organization{ID: rec.OrgID})
		}
		orgs[i].Rows = append(orgs[i].Rows, Row{Line: rec.Line, OrgID: rec.OrgID, ConnectionID: rec.ConnectionID})
	}
	return orgs
}

func TestAnyListIsReadAsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pairs.csv")
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		if err := os.WriteFile(path, in.data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path, "pairs.csv", in.opt)
		var refused *Error
		if errors.As(err, &refused) && strings.HasPrefix(refused.Message, "no row is usable") && len(in.organizations()) == 0 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var got []Record
		for rec, err := range l.Records() {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Outcome != journal.Duplicate {
				rec.Message = ""
			}
			if cells := len(rec.OrgID) + len(strings.Join(rec.Carried, "")) + cellSize*len(rec.Carried); rec.Size < cells {
				t.Errorf("line %d has a size of %d bytes, but cells of %d", rec.Line, rec.Size, cells)
			}
			rec.Size = 0
			got = append(got, rec)
		}
		if diff := cmp.Diff(in.records, got); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(in.organizations(), slices.Collect(l.Organizations())); diff != "" {
			t.Errorf("organizations (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(in.carried, l.Carried()); diff != "" {
			t.Errorf("carried columns (-want +got):\n%s", diff)
		}
	})
}
