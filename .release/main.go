// Command release packs what make dist and make image have built, so that the same
// commit gives the same bytes on every machine. It has a module of its own, because
// the product needs none of its dependencies.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"
)

const usage = `usage:
  release archives STAGE FOLDER   an archive in FOLDER for each folder in STAGE
  release sbom FILE               take out of a CycloneDX file what depends on the machine
  release sums FOLDER             FOLDER/SHA256SUMS
  release image [flags] STAGE FILE
                                  an OCI image of the Linux binaries in STAGE`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	commit, err := commitTime()
	switch {
	case err != nil:
		return err
	case len(args) == 3 && args[0] == "archives":
		return packAll(args[1], args[2], commit)
	case len(args) == 2 && args[0] == "sbom":
		return neutralize(args[1])
	case len(args) == 2 && args[0] == "sums":
		return writeSums(args[1])
	case len(args) > 0 && args[0] == "image":
		return runImage(args[1:], commit)
	}
	return errors.New(usage)
}

// runImage parses the flags of the command image.
func runImage(args []string, commit time.Time) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	about := about{created: commit}
	flags.StringVar(&about.name, "name", "", "name of the image, with its registry")
	flags.StringVar(&about.version, "version", "", "its tag")
	flags.StringVar(&about.revision, "revision", "", "the commit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New(usage)
	}
	return writeImage(flags.Arg(0), flags.Arg(1), about)
}

// commitTime is the time that everything in the release has.
func commitTime() (time.Time, error) {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH must be the seconds since 1970 of the commit: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
