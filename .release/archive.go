package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// entry is a file, or a folder if its name ends with a slash, of an archive or an image.
type entry struct {
	name string
	mode int64 // as in a tar
	user int
	text []byte
}

func (e entry) isFolder() bool { return strings.HasSuffix(e.name, "/") }

// packAll writes an archive for each folder in stage: a zip for Windows, a tar.gz for
// the other systems.
func packAll(stage, out string, modified time.Time) error {
	folders, err := os.ReadDir(stage)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		entries, err := readEntries(stage, folder.Name())
		if err != nil {
			return err
		}
		suffix, write := ".tar.gz", writeTarGzip
		if strings.Contains(folder.Name(), "-windows-") {
			suffix, write = ".zip", writeZip
		}
		err = create(filepath.Join(out, folder.Name()+suffix), func(w io.Writer) error { return write(w, entries, modified) })
		if err != nil {
			return err
		}
	}
	return nil
}

// readEntries reads a folder of root. The entries are sorted, and their modes depend
// on their names only: a umask or a file system changes those on disk.
func readEntries(root, folder string) (entries []entry, err error) {
	err = fs.WalkDir(os.DirFS(root), folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			entries = append(entries, entry{name: name + "/", mode: 0o755})
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		mode := int64(0o644)
		if base := path.Base(name); base == "orgconn" || base == "orgconn.exe" {
			mode = 0o755
		}
		entries = append(entries, entry{name: name, mode: mode, text: text})
		return err
	})
	return entries, err
}

// create writes a file.
func create(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", name, err)
	}
	return f.Close()
}

func writeTarGzip(w io.Writer, entries []entry, modified time.Time) error {
	packed, err := gzip.NewWriterLevel(w, gzip.BestCompression) // its header has no name and no time
	if err != nil {
		return err
	}
	if err := writeTar(packed, entries, modified); err != nil {
		return err
	}
	return packed.Close()
}

func writeTar(w io.Writer, entries []entry, modified time.Time) error {
	archive := tar.NewWriter(w)
	for _, e := range entries {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.text)), Mode: e.mode,
			Uid: e.user, Gid: e.user, ModTime: modified, Format: tar.FormatUSTAR,
		}
		if e.isFolder() {
			header.Typeflag = tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(e.text); err != nil {
			return err
		}
	}
	return archive.Close()
}

func writeZip(w io.Writer, entries []entry, modified time.Time) error {
	archive := zip.NewWriter(w)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: modified}
		header.SetMode(fs.FileMode(e.mode))
		if e.isFolder() {
			header.SetMode(fs.FileMode(e.mode) | fs.ModeDir)
		}
		file, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := file.Write(e.text); err != nil {
			return err
		}
	}
	return archive.Close()
}

// writeSums writes SHA256SUMS of a folder's files, in the form that sha256sum checks.
func writeSums(folder string) error {
	const name = "SHA256SUMS"
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, file := range files {
		if file.IsDir() || file.Name() == name {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), file.Name())
	}
	return os.WriteFile(filepath.Join(folder, name), []byte(sums.String()), 0o644)
}
