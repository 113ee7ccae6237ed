package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"debug/elf"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

var imageFile = flag.String("image", "", "the image that make image made; without it, one that is made for the test")

var commit = time.Unix(1_700_000_000, 0).UTC()

func write(t *testing.T, text string, mode os.FileMode, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// listTar returns the entries of a tar by name, each as a line.
func listTar(t *testing.T, r io.Reader) (lines []string, texts map[string][]byte) {
	t.Helper()
	texts = map[string][]byte{}
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return lines, texts
		}
		if err != nil {
			t.Fatal(err)
		}
		if texts[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%04o %d:%d %s", header.Mode, header.Uid, header.Gid, header.Name))
		if !header.ModTime.Equal(commit) && *imageFile == "" {
			t.Errorf("%s is of %s", header.Name, header.ModTime)
		}
	}
}

// Modes and times on disk, and the folder's place, leave no trace in the archives.
func TestArchivesAreTheSame(t *testing.T) {
	var outs []string
	for _, mode := range []os.FileMode{0o600, 0o755} {
		stage, out := t.TempDir(), t.TempDir()
		for _, folder := range []string{"orgconn-v1-linux-amd64", "orgconn-v1-windows-amd64"} {
			write(t, "program", mode, stage, folder, "orgconn")
			write(t, "page", mode, stage, folder, "man", "orgconn.1")
		}
		if err := packAll(stage, out, commit); err != nil {
			t.Fatal(err)
		}
		if err := writeSums(out); err != nil {
			t.Fatal(err)
		}
		outs = append(outs, out)
	}
	for _, name := range []string{"orgconn-v1-linux-amd64.tar.gz", "orgconn-v1-windows-amd64.zip", "SHA256SUMS"} {
		if !bytes.Equal(read(t, outs[0], name), read(t, outs[1], name)) {
			t.Errorf("%s differs", name)
		}
	}
	checkArchives(t, outs[0])
}

func checkArchives(t *testing.T, out string) {
	t.Helper()
	packed, err := gzip.NewReader(bytes.NewReader(read(t, out, "orgconn-v1-linux-amd64.tar.gz")))
	if err != nil {
		t.Fatal(err)
	}
	lines, _ := listTar(t, packed)
	want := []string{"0755 0:0 D/", "0755 0:0 D/man/", "0644 0:0 D/man/orgconn.1", "0755 0:0 D/orgconn"}
	for i := range want {
		want[i] = strings.Replace(want[i], "D", "orgconn-v1-linux-amd64", 1)
	}
	if !slices.Equal(lines, want) {
		t.Errorf("the archive has %q", lines)
	}
	zipped, err := zip.OpenReader(filepath.Join(out, "orgconn-v1-windows-amd64.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer zipped.Close()
	for _, file := range zipped.File {
		if !file.Modified.Equal(commit) {
			t.Errorf("%s is of %s", file.Name, file.Modified)
		}
	}
}

// The image has what the README's CronJob needs, for both architectures, and nothing
// else. It is the same whenever it is made.
func TestImage(t *testing.T) {
	file := *imageFile
	if file == "" {
		stage, again := t.TempDir(), filepath.Join(t.TempDir(), "again.tar")
		write(t, "for amd64", 0o755, stage, "linux-amd64", "orgconn")
		write(t, "for arm64", 0o755, stage, "linux-arm64", "orgconn")
		file = filepath.Join(t.TempDir(), "image.tar")
		for _, name := range []string{file, again} {
			if err := writeImage(stage, name, about{name: "example.com/orgconn", version: "v1", revision: "abc", created: commit}); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(read(t, file), read(t, again)) {
			t.Error("the same image, made again, differs")
		}
	}
	index := openImage(t, file)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, descriptor := range manifest.Manifests {
		platforms = append(platforms, descriptor.Platform.String())
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkConfig(t, image)
		checkFiles(t, image)
	}
	if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("the image is for %q", platforms)
	}
}

// openImage returns the index of the image in a tarball, whose digests are right.
func openImage(t *testing.T, file string) v1.ImageIndex {
	t.Helper()
	folder := t.TempDir()
	_, texts := listTar(t, bytes.NewReader(read(t, file)))
	for name, text := range texts {
		if !strings.HasSuffix(name, "/") {
			write(t, string(text), 0o644, folder, name)
		}
	}
	top, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := top.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"] == "" {
		t.Fatalf("%+v, %v", manifest, err)
	}
	index, err := top.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	return index
}

func checkConfig(t *testing.T, image v1.Image) {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := file.Config
	if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/usr/local/bin/orgconn"}) || c.WorkingDir != "/runs" {
		t.Errorf("user %s, entrypoint %q, folder %s", c.User, c.Entrypoint, c.WorkingDir)
	}
	for _, label := range slices.Sorted(maps.Keys(about{}.labels())) {
		if c.Labels[label] == "" {
			t.Errorf("the label %s is empty", label)
		}
	}
}

func checkFiles(t *testing.T, image v1.Image) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	layer, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	lines, texts := listTar(t, layer)
	want := []string{
		"0755 0:0 etc/", "0644 0:0 etc/passwd", "0755 0:0 etc/ssl/", "0755 0:0 etc/ssl/certs/", "0644 0:0 etc/ssl/certs/ca-certificates.crt",
		"0755 65532:65532 runs/", "1777 0:0 tmp/", "0755 0:0 usr/", "0755 0:0 usr/local/", "0755 0:0 usr/local/bin/", "0755 0:0 usr/local/bin/orgconn",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("the image has\n%s", strings.Join(lines, "\n"))
	}
	checkCertificates(t, texts["etc/ssl/certs/ca-certificates.crt"])
	if *imageFile != "" {
		checkStatic(t, texts["usr/local/bin/orgconn"])
	}
}

// checkCertificates wants the authorities of Let's Encrypt and Amazon among others.
func checkCertificates(t *testing.T, text []byte) {
	t.Helper()
	var names []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, certificate.Subject.CommonName)
	}
	for _, name := range []string{"ISRG Root X1", "Amazon Root CA 1"} {
		if !slices.Contains(names, name) {
			t.Errorf("%d certificates, and %s is not among them", len(names), name)
		}
	}
}

// checkStatic wants a program that needs no other file to run.
func checkStatic(t *testing.T, program []byte) {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			t.Errorf("the program is not static: it has a %s", part.Type)
		}
	}
}

// An SBOM with something that differs from build to build is refused, and one that lacks
// a licence, as where the tool did not find a module. What depends on the machine is
// taken out: the tool's hashes, and whether it found the program's own module.
func TestNeutralize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bom.json")
	write(t, `{"metadata": {"tools": [{"name": "x", "hashes": [1]}], "component": {"evidence": 1}}, "components": [{"name": "std", "hashes": [2]}]}`, 0o644, path)
	if err := neutralize(path); err != nil {
		t.Fatal(err)
	}
	if text := string(read(t, path)); strings.Contains(text, "1") || !strings.Contains(text, "2") {
		t.Error(text)
	}
	for _, bom := range []string{`{"metadata": {"tools": [], "component": {}, "timestamp": "now"}}`, `{"serialNumber": "1", "metadata": {"tools": [], "component": {}}}`, `{"metadata": {"tools": []}}`,
		`{"metadata": {"tools": [], "component": {}}, "components": [{"name": "without a licence"}]}`} {
		write(t, bom, 0o644, path)
		if err := neutralize(path); err == nil {
			t.Errorf("%s is accepted", bom)
		}
	}
}

// The licences that the tool does not find, or takes for another one, are those of the
// program and of the Go project. It found the others.
func TestLicenses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bom.json")
	write(t, `{"metadata": {"tools": [], "component": {"name": "github.com/orgconn/orgconn"}}, "components": [
		{"name": "golang.org/x/sys", "evidence": {"licenses": [{"license": {"id": "BSD-Source-Code"}}]}},
		{"name": "example.com/x", "evidence": {"licenses": [{"license": {"id": "MIT"}}]}},
		{"name": "std"}]}`, 0o644, path)
	if err := neutralize(path); err != nil {
		t.Fatal(err)
	}
	text := string(read(t, path))
	ids := regexp.MustCompile(`"id": "(.+)"`).FindAllString(text, -1)
	if got, want := strings.Join(ids, " "), `"id": "BSD-3-Clause" "id": "MIT" "id": "BSD-3-Clause" "id": "Apache-2.0"`; got != want {
		t.Errorf("licences %s, want %s:\n%s", got, want, text)
	}
}
