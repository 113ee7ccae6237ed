package main

import (
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who the program runs as, and user's group. 65532 is what other images
// without root call nonroot.
const user = 65532

// about is what the labels of an image say.
type about struct {
	name, version, revision string
	created                 time.Time
}

// labels are the ones that the OCI image specification defines.
func (a about) labels() map[string]string {
	const prefix, source = "org.opencontainers.image.", "https://github.com/orgconn/orgconn"
	return map[string]string{
		prefix + "title":         "orgconn",
		prefix + "description":   "disables organization connections in an Auth0 tenant in bulk",
		prefix + "version":       a.version,
		prefix + "revision":      a.revision,
		prefix + "created":       a.created.Format(time.RFC3339),
		prefix + "source":        source,
		prefix + "documentation": source + "#readme",
		prefix + "licenses":      "Apache-2.0",
	}
}

// writeImage writes a tarball in the OCI image layout. It has an image for each folder
// of stage, which is called linux-ARCHITECTURE and has the binary.
func writeImage(stage, file string, about about) error {
	folders, err := os.ReadDir(stage)
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, folder := range folders {
		binary, err := os.ReadFile(filepath.Join(stage, folder.Name(), "orgconn"))
		if err != nil {
			return err
		}
		platform := v1.Platform{OS: "linux", Architecture: folder.Name()[len("linux-"):]}
		image, err := newImage(binary, platform, about)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	index = mutate.Annotations(index, about.labels()).(v1.ImageIndex)
	return writeLayout(index, file, about)
}

// writeLayout puts the image layout into a tarball. The annotations say its name: the
// first to skopeo and podman, the second to docker.
func writeLayout(index v1.ImageIndex, file string, about about) error {
	folder, err := os.MkdirTemp("", "image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	names := map[string]string{
		"org.opencontainers.image.ref.name": about.version,
		"io.containerd.image.name":          about.name + ":" + about.version,
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(names)); err != nil {
		return err
	}
	entries, err := readEntries(folder, ".")
	if err != nil {
		return err
	}
	return create(file, func(w io.Writer) error { return writeTar(w, entries[1:], about.created) }) // without ./ itself
}

// newImage returns the image for one platform. It has one layer.
func newImage(binary []byte, platform v1.Platform, about about) (v1.Image, error) {
	base := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	base = mutate.ConfigMediaType(base, types.OCIConfigJSON)
	base, err := mutate.ConfigFile(base, config(platform, about))
	if err != nil {
		return nil, err
	}
	layer, err := newLayer(files(binary), about.created)
	if err != nil {
		return nil, err
	}
	created := v1.History{Created: v1.Time{Time: about.created}, CreatedBy: "make image"}
	return mutate.Append(base, mutate.Addendum{Layer: layer, History: created})
}

// config says how the image is run. Run directories are made in the current folder, so
// that is one that user may write.
func config(platform v1.Platform, about about) *v1.ConfigFile {
	return &v1.ConfigFile{
		OS: platform.OS, Architecture: platform.Architecture, Created: v1.Time{Time: about.created},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       "65532:65532",
			Entrypoint: []string{"/usr/local/bin/orgconn"},
			Cmd:        []string{"--help"},
			Env:        []string{"PATH=/usr/local/bin"},
			WorkingDir: "/runs",
			Labels:     about.labels(),
		},
	}
}

// files are what the image has, each folder before what is in it. The program needs
// /tmp for the tenant's lock, and /etc/passwd for the name of who ran it.
func files(binary []byte) []entry {
	return []entry{
		{name: "etc/", mode: 0o755},
		{name: "etc/passwd", mode: 0o644, text: []byte("nonroot:x:65532:65532:nonroot:/runs:/sbin/nologin\n")},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, text: certificates()},
		{name: "runs/", mode: 0o755, user: user},
		{name: "tmp/", mode: 0o1777},
		{name: "usr/", mode: 0o755},
		{name: "usr/local/", mode: 0o755},
		{name: "usr/local/bin/", mode: 0o755},
		{name: "usr/local/bin/orgconn", mode: 0o755, text: binary},
	}
}

// certificates are the authorities that Mozilla trusts without a constraint. A file of
// certificates cannot say that one is trusted up to a date only.
func certificates() []byte {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a Buffer never fails
		}
	}
	return text.Bytes()
}

func newLayer(entries []entry, modified time.Time) (v1.Layer, error) {
	var text bytes.Buffer
	if err := writeTar(&text, entries, modified); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression))
}
