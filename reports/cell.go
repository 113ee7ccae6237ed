package reports

import "strings"

// formulaStarts are the characters with which a spreadsheet takes a cell for a
// formula (OWASP, "CSV Injection"), with their full-width forms, and NUL
// (OWASP ASVS 1.2.10).
const formulaStarts = "=+-@\t\r\n\x00＝＋－＠"

// escapeFormula keeps a spreadsheet from computing a cell: one that starts like
// a formula gets a leading apostrophe. Quotes around a cell do not help.
func escapeFormula(cell string) string {
	if strings.IndexAny(cell, formulaStarts) != 0 {
		return cell
	}
	return "'" + cell
}
