package main

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

var manFolder = flag.String("man", "", "where TestManPages leaves the man pages; see make dist")

// Each command has a man page with its flags. It says nothing of the machine or the
// time at which it was made.
func TestManPages(t *testing.T) {
	folder := *manFolder
	if folder == "" {
		folder = t.TempDir()
	}
	epoch, _ := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	date := time.Unix(epoch, 0).UTC()
	root := newRoot()
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, &doc.GenManHeader{Date: &date, Source: "orgconn", Manual: "orgconn"}, folder); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range append(newRoot().Commands(), newRoot()) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		page, err := os.ReadFile(filepath.Join(folder, name+".1"))
		if err != nil {
			t.Errorf("%s has no page: %v", name, err)
		}
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if !strings.Contains(string(page), `\fB--`+flag.Name+`\fP`) {
				t.Errorf("%s.1 lacks --%s", name, flag.Name)
			}
		})
	}
}
