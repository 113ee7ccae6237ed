package reports

import (
	"strings"
	"unicode/utf8"
)

// formulaStarts are the characters with which a spreadsheet takes a cell for a
// formula (OWASP, "CSV Injection"), with their full-width forms.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// escapeCell keeps a spreadsheet from computing a cell: one that starts like a
// formula gets a leading apostrophe. Quotes around a cell do not help. Zero bytes,
// which would make the file none of text for the run that it is input of, are
// replaced (OWASP ASVS 1.2.10 has them escaped as well).
func escapeCell(cell string) string {
	if strings.IndexByte(cell, 0) >= 0 { // there are millions of cells, and hardly ever one with it
		cell = strings.ReplaceAll(cell, "\x00", "\uFFFD")
	}
	if first, _ := utf8.DecodeRuneInString(cell); cell == "" || !strings.ContainsRune(formulaStarts, first) {
		return cell
	}
	return "'" + cell
}
