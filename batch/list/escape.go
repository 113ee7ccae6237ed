package list

import (
	"strings"
	"unicode/utf8"
)

// A spreadsheet reads a cell that begins with one of these characters as a formula
// (OWASP, "CSV Injection"), the full-width ones too.
const (
	operators     = "=+-@＝＋－＠"
	formulaStarts = operators + "\t\r\n"
)

// splitters are the characters at which a program may split a cell in two: Excel, in
// Europe, splits results.csv at semicolons, whatever is quoted.
const splitters = ";\t\r\n"

// EscapeCell puts an apostrophe before what a spreadsheet would read as a formula: at
// the start of a cell, and where it may be split. Quotes around the cell would not
// help. Open reverts it. EscapeCell replaces zero bytes (OWASP ASVS 1.2.10), because
// a later command would reject the file as not being text.
func EscapeCell(cell string) string {
	cell = strings.ReplaceAll(cell, "\x00", "\uFFFD")
	return mapParts(cell, func(part string) string { return "'" + part })
}

// unescapeCell reverts EscapeCell. It also removes the apostrophe that somebody else
// has put before a formula; EscapeCell puts it back.
func unescapeCell(cell string) string {
	return mapParts(cell, func(part string) string { return strings.TrimPrefix(part, "'") })
}

// mapParts maps the parts of a cell, between the splitters, that are formulas but for
// the quotes and apostrophes before them. Neither function above changes which parts
// these are.
func mapParts(cell string, change func(part string) string) string {
	if !strings.ContainsAny(cell, splitters) {
		return mapPart(cell, formulaStarts, change)
	}
	var b strings.Builder
	starts := formulaStarts
	for rest := cell; ; {
		end := strings.IndexAny(rest, splitters) + 1
		if end == 0 {
			end = len(rest)
		}
		b.WriteString(mapPart(rest[:end], starts, change))
		if rest = rest[end:]; rest == "" {
			return b.String()
		}
		starts = operators // an empty line is none
		if cell[len(cell)-len(rest)-1] == ';' {
			starts = formulaStarts
		}
	}
}

// mapPart changes a part if it is a formula, which begins with one of starts.
func mapPart(part, starts string, change func(part string) string) string {
	first, size := utf8.DecodeRuneInString(strings.TrimLeft(part, `'"`))
	if size > 0 && strings.ContainsRune(starts, first) {
		return change(part)
	}
	return part
}
