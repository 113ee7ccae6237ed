package rundir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// fake makes a folder with these files.
func fake(t *testing.T, names ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func allowed() error { return nil }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// The files of a run directory and the folder are removed, with or without reports, and
// with what crashes left there.
func TestRemove(t *testing.T) {
	for _, names := range [][]string{
		{InputFile, JournalFile},
		{InputFile, JournalFile, ResultsFile, PageFile, SummaryFile},
		{InputFile, JournalFile, JournalFile + ".torn", JournalFile + ".torn.2", ".results.csv123", ".report.html45", ".summary.json6"},
	} {
		path := fake(t, names...)
		if err := Remove(context.Background(), path, allowed); err != nil || exists(path) {
			t.Errorf("%q: %v, exists %v", names, err, exists(path))
		}
	}
}

// If Remove refuses, everything is left as it is.
func TestRemoveRefuses(t *testing.T) {
	refusal := errors.New("no")
	cases := map[string]func(path string) (given string, check func() error){
		"a folder in place of a file": func(path string) (string, func() error) {
			_ = os.Mkdir(filepath.Join(path, ResultsFile), 0o777)
			return path, allowed
		},
		"a folder in place of a leftover": func(path string) (string, func() error) {
			_ = os.Mkdir(filepath.Join(path, JournalFile+".torn"), 0o777)
			return path, allowed
		},
		"a link to it": func(path string) (string, func() error) {
			if err := os.Symlink(path, path+"-link"); err != nil {
				t.Skip(err)
			}
			return path + "-link", allowed
		},
		"a run that is needed": func(path string) (string, func() error) {
			return path, func() error { return refusal }
		},
		"a run in use": func(path string) (string, func() error) {
			lock, err := Lock(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { lock.Close() })
			return path, allowed
		},
	}
	for _, name := range []string{"notes.txt", JournalFile + ".2", JournalFile + ".torn.", JournalFile + ".torn2", "a" + JournalFile + ".torn", ".results.csv", ".results.csv1a", ".input.csv1"} {
		cases[name] = func(path string) (string, func() error) {
			_ = os.WriteFile(filepath.Join(path, name), nil, 0o666)
			return path, allowed
		}
	}
	for what, prepare := range cases {
		path := fake(t, InputFile, JournalFile)
		given, check := prepare(path)
		if err := Remove(context.Background(), given, check); err == nil {
			t.Errorf("%s: no error", what)
		}
		if !exists(filepath.Join(path, InputFile)) || !exists(filepath.Join(path, JournalFile)) || !exists(given) {
			t.Errorf("%s: something was removed", what)
		}
	}
}
