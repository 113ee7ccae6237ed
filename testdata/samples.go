// Package testdata holds sample lists. The demo's is compiled in, so that the
// demo needs nothing but the binary.
package testdata

import _ "embed"

// DemoPairs is a list with every kind of row that a list can have. Its column
// remark says what is the matter with a row in the demo's tenant.
//
//go:embed demo/pairs.csv
var DemoPairs []byte
