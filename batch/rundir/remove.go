package rundir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// Remove removes a run directory if check, which is asked while nobody else can write
// it, has nothing against it. It removes the files that a run directory has, by name,
// and then the empty folder. If the folder has anything else, or is a link, nothing
// is removed.
func Remove(ctx context.Context, path string, check func() error) error {
	folder, err := openFolder(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := removeFiles(ctx, path, folder, check); err != nil {
		return err
	}
	for _, name := range lockFiles() { // Windows removes none that is locked
		if err := folder.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := folder.Close(); err != nil {
		return err
	}
	return os.Remove(path)
}

// openFolder opens a folder, and does not follow a link.
func openFolder(path string) (*os.Root, error) {
	there, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	folder, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	here, err := folder.Stat(".")
	if err == nil && !os.SameFile(here, there) {
		err = &Error{fmt.Errorf("%q is a link", path), "give the folder that has the run directory"}
	}
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return folder, nil
}

// removeFiles removes a run's files while it holds both locks. The journal is the last
// one: if this process is killed before, the folder is still a run directory.
func removeFiles(ctx context.Context, path string, folder *os.Root, check func() error) error {
	lock, err := Lock(path)
	if err != nil {
		return err
	}
	defer lock.Close()
	reports, err := LockReports(ctx, path)
	if err != nil {
		return err
	}
	defer reports.Close()
	if err := check(); err != nil {
		return err
	}
	files := append(Reports(), InputFile, JournalFile)
	left, err := leftovers(path, folder, append(lockFiles(), files...))
	if err != nil {
		return err
	}
	for _, name := range append(left, files...) {
		if err := folder.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// leftover matches the files that crashes leave in a run directory: the torn tail of the
// journal, which Recover keeps, and reports that were not complete.
var leftover = regexp.MustCompile(`^(journal\.jsonl\.torn(\.\d+)?|\.(results\.csv|report\.html|summary\.json)\d+)$`)

// leftovers returns the names of a folder's leftovers. It refuses a folder with anything
// but regular files that are leftovers or have these names.
func leftovers(path string, folder *os.Root, names []string) (left []string, err error) {
	entries, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case entry.Type().IsRegular() && leftover.MatchString(name):
			left = append(left, name)
		case !entry.Type().IsRegular(), !slices.Contains(names, name):
			return nil, &Error{fmt.Errorf("%q is no file of a run", filepath.Join(path, name)), "move it elsewhere, or remove the folder yourself"}
		}
	}
	return left, nil
}

// lockFiles are the files whose locks a run directory has.
func lockFiles() (names []string) {
	for _, name := range []string{InputFile, JournalFile} {
		name, _ = lockFile(name)
		names = append(names, name)
	}
	return names
}
