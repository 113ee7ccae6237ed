package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// options are the flags of a command that calls a tenant.
type options struct {
	settings journal.Settings
	getenv   func(string) string // where tenant and credentials come from

	sha256   string // that the list must have; "" allows any
	out      string
	note     string
	yes      bool
	lockWait time.Duration
	metrics  string
	json     bool
	quiet    bool
	logLevel string
	logAs    string
}

// addRun adds the flags that only a new run has.
func (o *options) addRun(flags *pflag.FlagSet) {
	flags.BoolVar(&o.settings.DryRun, "dry-run", false, "only read, and say what would happen")
	flags.StringVar(&o.out, "out", "", "run directory `DIR` (default orgconn-TENANT-TIME-COMMAND)")
	flags.TextVar(&o.settings.API, "api", apiclient.Family(""), "`A` is enabled_connections, connections (newer, all settings), or auto")
}

// addDisable adds the flags of disable that resume has too.
func (o *options) addDisable(flags *pflag.FlagSet) {
	s := &o.settings
	flags.BoolVar(&s.NoCheck, "no-check", false, "emergency: no read, no guard, settings are lost")
	flags.BoolVar(&s.AllowLockout, "allow-lockout", false, "also disable an organization's last connection")
	flags.BoolVar(&s.MissingOK, "missing-ok", false, "organizations that no longer exist count as ok")
	mustBeTyped(flags, "no-check", "allow-lockout")
}

// addLogins adds the flags about last logins.
func (o *options) addLogins(flags *pflag.FlagSet) {
	flags.TextVar(&o.settings.UnusedFor, "unused-for", journal.Age(0), "keep links with a login within `TIME`, like 30d")
	flags.Lookup("unused-for").DefValue = "" // help shows no default that means off
	flags.BoolVar(&o.settings.LastLogins, "last-logins", false, "read each pair's last login for the reports")
}

// addRestore adds the flags of restore that resume has too.
func (o *options) addRestore(flags *pflag.FlagSet) {
	flags.BoolVar(&o.settings.AllowDefaults, "allow-defaults", false, "also rows of a --no-check run, with default settings, even if they were off before")
	mustBeTyped(flags, "allow-defaults")
}

// atLeastOne refuses a 0 that was given: it would mean no limit, and is most likely
// a variable that somebody forgot to set.
func atLeastOne(flags *pflag.FlagSet) error {
	for _, name := range []string{"limit", "min-rows", "max-changes"} {
		if flag := flags.Lookup(name); flag != nil && flag.Changed && flag.Value.String() == "0" {
			return fmt.Errorf("--%s must be 1 or more; leave it out if you do not need it", name)
		}
	}
	return nil
}

// addList adds the flags that say which list is done, how much of it, and why. It ends
// the group of flags that a command begins with its own, so it is called after these.
func (o *options) addList(flags *pflag.FlagSet) {
	flags.IntVar(&o.settings.Limit, "limit", 0, "only the first `N` rows")
	flags.StringVar(&o.sha256, "sha256", "", "refuse a list whose SHA-256 is not `HEX`")
	flags.IntVar(&o.settings.MinRows, "min-rows", 0, "refuse a list of fewer than `N` rows")
	flags.BoolVar(&o.settings.AnyID, "any-id", false, "ids of other lengths, for compatible servers")
	flags.StringVar(&o.note, "note", "", "`TEXT` for the reports: why, such as a change ticket")
	mustBeTyped(flags, "limit")
	group(flags, "What the run does")
}

// addBounds adds the flags that limit a run.
func (o *options) addBounds(flags *pflag.FlagSet) {
	s := &o.settings
	o.addPace(flags)
	flags.IntVar(&s.Workers, "workers", defaultWorkers, "`N` calls in flight at most")
	flags.DurationVar((*time.Duration)(&s.MaxDuration), "max-duration", 0, "stop cleanly after `TIME`, such as 4h")
	flags.IntVar(&s.MaxChanges, "max-changes", 0, "change nothing if more than `N` rows would change")
	flags.TextVar(&s.MaxFailures, "max-failures", journal.Share(50), "stop after `N|P%` failed rows; 0 never")
	group(flags, "Bounds")
}

// defaultWorkers is how many calls are in flight at most.
const defaultWorkers = 128

// addPace adds the flags that limit how fast a command calls the tenant.
func (o *options) addPace(flags *pflag.FlagSet) {
	o.settings.Headroom = 0.25
	flags.Var((*percent)(&o.settings.Headroom), "headroom", "share of the bucket left to others")
	flags.Float64Var(&o.settings.MaxRPS, "max-rps", 0, "never more than `R` requests per second")
	flags.DurationVar((*time.Duration)(&o.settings.Timeout), "timeout", 30*time.Second, "give up on a call after `TIME`")
}

// addInvocation adds the flags that belong to this invocation and not to the run.
func (o *options) addInvocation(flags *pflag.FlagSet) {
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.DurationVar(&o.lockWait, "lock-wait", 0, "wait up to `TIME` for another run on the tenant")
	flags.StringVar(&o.metrics, "metrics-file", "", "write Prometheus metrics to `FILE`, a .prom file")
	flags.BoolVar(&o.json, "json", false, "print summary.json")
	o.addOutput(flags)
	mustBeTyped(flags, "yes")
	group(flags, "This invocation")
}

// addOutput adds the flags that decide what standard error shows.
func (o *options) addOutput(flags *pflag.FlagSet) {
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	flags.StringVar(&o.logLevel, "log-level", "info", "`LEVEL`: debug, info, warn or error")
	flags.StringVar(&o.logAs, "log-format", "", "`FORMAT` is json, or console (default on a terminal)")
}

// check refuses values that make no sense, and a run that cannot ask and was not
// told to go on without.
func (o *options) check(flags *pflag.FlagSet) error {
	if err := o.checkValues(flags); err != nil {
		return refused(err, "")
	}
	if !o.settings.DryRun && !o.yes && !term.IsTerminal(int(os.Stdin.Fd())) {
		hint := "give --yes"
		if flags.Lookup("dry-run") != nil {
			hint += ", or --dry-run to read only"
		}
		return refused(errors.New("standard input is not a terminal, so nobody can be asked"), hint)
	}
	return nil
}

func (o *options) checkValues(flags *pflag.FlagSet) error {
	if err := atLeastOne(flags); err != nil {
		return err
	}
	if err := o.settings.Validate(); err != nil {
		return err
	}
	_, levelErr := zapcore.ParseLevel(o.logLevel)
	switch {
	case o.sha256 != "" && !sha256Text.MatchString(o.sha256):
		return errors.New("--sha256 must be 64 hexadecimal digits, as sha256sum prints them")
	case o.lockWait < 0:
		return errors.New("--lock-wait must not be negative")
	case levelErr != nil:
		return fmt.Errorf("--log-level: %w", levelErr)
	case o.metrics != "" && !strings.HasSuffix(o.metrics, metricsSuffix):
		return refused(fmt.Errorf("--metrics-file %s: its name does not end in %s", o.metrics, metricsSuffix),
			"the node exporter's textfile collector reads no other files")
	case o.metrics != "" && !isFolder(filepath.Dir(o.metrics)):
		return fmt.Errorf("--metrics-file %s: there is no such folder", o.metrics)
	case o.metrics != "" && !mayBeFile(o.metrics):
		return fmt.Errorf("--metrics-file %s: it exists and is not a file", o.metrics)
	case o.logAs != "" && o.logAs != "json" && o.logAs != "console":
		return errors.New("--log-format must be json or console")
	}
	return nil
}

// metricsSuffix ends the names of the files that the textfile collector reads.
const metricsSuffix = ".prom"

var sha256Text = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

// checkSum refuses a list that is not the one of --sha256.
func (o *options) checkSum(list, sum string) error {
	if o.sha256 == "" || strings.EqualFold(o.sha256, sum) {
		return nil
	}
	return refused(fmt.Errorf("%s is not the list that was approved: its SHA-256 is %s, not %s", list, sum, strings.ToLower(o.sha256)),
		"have its changes approved, or give the list that was")
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// mayBeFile reports whether a path is a file or does not exist.
func mayBeFile(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().IsRegular()
}

// load replaces the settings by a run's, except for those whose flags were typed.
func (o *options) load(run journal.Header, flags *pflag.FlagSet) error {
	typed := map[string]string{}
	flags.Visit(func(flag *pflag.Flag) { typed[flag.Name] = flag.Value.String() })
	o.settings, o.note = run.Settings, run.Note
	for name, value := range typed {
		if err := flags.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// percent is a share, written "25%" or "0.25". It is a pflag.Value.
type percent float64

func (p *percent) String() string {
	return journal.FormatShare(float64(*p) * 100)
}

func (p *percent) Type() string { return "P%" }

func (p *percent) Set(s string) error {
	v, err := journal.ParseShare(s)
	if err != nil {
		return err
	}
	*p = percent(v / 100)
	return nil
}

const environmentPrefix = "ORGCONN_"

// typedOnly marks a flag that must be typed. Variables that somebody set long ago
// must not decide what it decides.
const typedOnly = "typed-only"

// mustBeTyped marks flags as typedOnly.
func mustBeTyped(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = flags.SetAnnotation(name, typedOnly, []string{"true"})
	}
}

// runOnly marks a flag whose default is the run's value. The environment does not
// replace what a run began with.
const runOnly = "run-only"

// defaultToRun marks all flags of the set so far as runOnly. Help names the run
// instead of a default that does not apply.
func defaultToRun(flags *pflag.FlagSet) {
	flags.VisitAll(func(flag *pflag.Flag) {
		_ = flags.SetAnnotation(flag.Name, runOnly, []string{"true"})
		if !slices.Contains([]string{"", "false", "0", "0s"}, flag.DefValue) {
			flag.DefValue = "the run's"
		}
	})
}

func isMarked(flag *pflag.Flag, mark string) bool {
	_, marked := flag.Annotations[mark]
	return marked
}

// applyEnvironment sets the flags of cmd that were not typed from ORGCONN_
// variables. It refuses a variable that no command knows, which is most likely a
// typing error in a crontab.
func applyEnvironment(cmd *cobra.Command, environ []string) error {
	known := allFlags(cmd.Root())
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		key, ours := strings.CutPrefix(name, environmentPrefix)
		if !ours {
			continue
		}
		flagName := strings.ToLower(strings.ReplaceAll(key, "_", "-"))
		flag, isKnown := known[flagName]
		switch {
		case !isKnown || key != strings.ToUpper(key):
			return refused(fmt.Errorf("environment variable %s names no flag of any command", name), "remove it, or see orgconn disable --help for the flags")
		case isMarked(flag, typedOnly):
			return refused(fmt.Errorf("--%s must be typed: %s is not accepted", flagName, name), "remove the variable")
		}
		if flag = cmd.Flags().Lookup(flagName); flag != nil && !flag.Changed && !isMarked(flag, runOnly) {
			if err := cmd.Flags().Set(flagName, value); err != nil {
				return refused(fmt.Errorf("environment variable %s: %w", name, valueError(flag, value, err)), "see orgconn "+cmd.Name()+" --help")
			}
		}
	}
	return nil
}

// valueError says what a flag's value must be, since the library's err speaks of
// parsing. For other types it returns err.
func valueError(flag *pflag.Flag, value string, err error) error {
	valid := map[string]string{
		"bool": "true or false", "int": "a whole number", "float64": "a number", "duration": "a time such as 30s or 4h",
	}[flag.Value.Type()]
	if valid == "" {
		return err
	}
	return fmt.Errorf("--%s must be %s, not %q", flag.Name, valid, value)
}

// allFlags are the flags of all commands, by name. If one command marks a flag as
// typedOnly, it is typedOnly for all.
func allFlags(root *cobra.Command) map[string]*pflag.Flag {
	flags := map[string]*pflag.Flag{}
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if other := flags[flag.Name]; other == nil || !isMarked(other, typedOnly) {
				flags[flag.Name] = flag
			}
		})
	}
	delete(flags, "help")
	return flags
}
