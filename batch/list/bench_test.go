package list

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkOpen reads and validates lists as they come from elsewhere, and from
// a run.
func BenchmarkOpen(b *testing.B) {
	for _, kind := range []struct {
		name, header, rest string
	}{
		{"pairs", "org_id,connection_id", ""},
		{"results", "line,org_id,connection_id,outcome,http_status,error_code,message,attempts,finished_at,duration_ms,request_id,connection_name,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant",
			",disabled,204,,,1,2026-11-24T11:43:47.123Z,93,0123456789abcdef0123456789abcdef,acme-17,yes,no,no,disable,tenant.example"},
	} {
		b.Run(kind.name, func(b *testing.B) {
			const rows = 100_000
			path := filepath.Join(b.TempDir(), "list.csv")
			f, err := os.Create(path)
			if err != nil {
				b.Fatal(err)
			}
			w := bufio.NewWriter(f)
			fmt.Fprintln(w, kind.header)
			for i := range rows {
				line := ""
				if kind.rest != "" {
					line = fmt.Sprintf("%d,", i+2)
				}
				fmt.Fprintf(w, "%sorg_%016d,con_%016d%s\n", line, i/10, i%10, kind.rest)
			}
			if err := w.Flush(); err != nil {
				b.Fatal(err)
			}
			f.Close()
			command := "disable"
			if kind.rest != "" {
				command = "restore"
			}
			b.ReportAllocs()
			for b.Loop() {
				l, err := Open(path, "list.csv", Options{Command: command})
				if err != nil {
					b.Fatal(err)
				}
				if l.Counts().Pairs != rows {
					b.Fatal(l.Counts())
				}
				l.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
