package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/reports"
)

// readmeBlocks returns the README's code blocks of a language; "" is no language.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, match := range regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if match[1] == language {
			blocks = append(blocks, match[2])
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("the README has no block of %q", language)
	}
	return blocks
}

// checkCommandLine parses a command line as orgconn would, without running it.
func checkCommandLine(t *testing.T, args []string) {
	t.Helper()
	cmd, rest, err := newRoot().Find(args)
	if err == nil && cmd.HasParent() {
		err = cmd.ParseFlags(rest)
	}
	if err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("orgconn %s: %v", strings.Join(args, " "), err)
	}
}

// orgconn accepts every command line that the README shows.
func TestReadmeCommandLines(t *testing.T) {
	lines := regexp.MustCompile(`(?m)(?:^|[/ ])orgconn ([a-z]+ [^#\n]*?)(?: +#.*)?$`)
	n := 0
	for _, language := range []string{"", "console", "ini", "crontab"} {
		for _, block := range readmeBlocks(t, language) {
			if (language == "crontab" || language == "ini") && strings.Contains(block, "%") {
				t.Errorf("a %% ends the command in a crontab, and begins a specifier in a unit:\n%s", block)
			}
			for _, match := range lines.FindAllStringSubmatch(block, -1) {
				checkCommandLine(t, strings.Fields(match[1]))
				n++
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d command lines found", n)
	}
}

// readmeTable returns the names in code font in the first column of the README's table
// with this heading.
func readmeTable(t *testing.T, heading string) (names []string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n| "+heading+" |")
	if !found {
		t.Fatalf("the README has no table %q", heading)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		if row, ok := strings.CutPrefix(line, "| "); ok {
			cell, _, _ := strings.Cut(row, " |")
			for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
				names = append(names, name[1])
			}
		}
	}
	return names
}

// The README explains every column of results.csv, in their order, and every outcome.
func TestReadmeResults(t *testing.T) {
	if got, want := readmeTable(t, "column"), list.ResultsColumns(); !slices.Equal(got, want) {
		t.Errorf("columns\n%q, want\n%q", got, want)
	}
	outcomes := readmeTable(t, "outcome")
	for _, outcome := range journal.Outcomes() {
		if !slices.Contains(outcomes, string(outcome)) {
			t.Errorf("the outcome %s is missing", outcome)
		}
	}
}

// systemd accepts the README's units.
func TestReadmeUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip(err)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, args := t.TempDir(), []string{"verify", "--man=no"}
	for _, unit := range readmeBlocks(t, "ini") {
		name, text, _ := strings.Cut(unit, "\n")
		path := filepath.Join(dir, filepath.Base(name))
		text = strings.ReplaceAll(text, "/usr/local/bin/orgconn", executable)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if output, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || strings.Contains(string(output), dir) {
		t.Errorf("%v\n%s", err, output)
	}
}

// cronJob is what the README uses of a Kubernetes CronJob.
type cronJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Schedule          string
		ConcurrencyPolicy string `yaml:"concurrencyPolicy"`
		JobTemplate       struct {
			Spec struct {
				BackoffLimit int `yaml:"backoffLimit"`
				Template     struct{ Spec podSpec }
			}
		} `yaml:"jobTemplate"`
	}
}

type podSpec struct {
	RestartPolicy      string `yaml:"restartPolicy"`
	EnableServiceLinks bool   `yaml:"enableServiceLinks"`
	SecurityContext    struct {
		RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
		FSGroup        int                   `yaml:"fsGroup"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Containers []struct {
		Name, Image     string
		SecurityContext struct {
			ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
			AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
			Capabilities             struct{ Drop []string }
		} `yaml:"securityContext"`
		Command    []string
		Args       []string
		WorkingDir string `yaml:"workingDir"`
		EnvFrom    []struct {
			SecretRef struct{ Name string } `yaml:"secretRef"`
		} `yaml:"envFrom"`
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name                  string
		PersistentVolumeClaim struct {
			ClaimName string `yaml:"claimName"`
		} `yaml:"persistentVolumeClaim"`
		EmptyDir  *struct{} `yaml:"emptyDir"`
		Projected struct {
			Sources []struct {
				Secret struct {
					Name  string
					Items []struct{ Key, Path string }
				}
			}
		}
	}
}

// strictly decodes YAML and fails if it has a field that value does not have.
func strictly(t *testing.T, text string, value any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(value); err != nil {
		t.Fatal(err)
	}
}

// The README's CronJob keeps the run directories, has a folder for the lock, and runs
// a command line that orgconn accepts.
func TestReadmeCronJob(t *testing.T) {
	var job cronJob
	strictly(t, readmeBlocks(t, "yaml")[0], &job)
	spec := job.Spec.JobTemplate.Spec
	if job.APIVersion != "batch/v1" || job.Kind != "CronJob" || job.Spec.ConcurrencyPolicy != "Forbid" || spec.BackoffLimit != 0 {
		t.Errorf("%+v", job)
	}
	pod := spec.Template.Spec
	if len(pod.Containers) != 1 || pod.RestartPolicy != "Never" || pod.EnableServiceLinks {
		t.Fatalf("%+v", pod)
	}
	container := pod.Containers[0]
	checkCommandLine(t, container.Args)
	folders := mountedAt(t, pod)
	list := container.Args[len(container.Args)-1]
	if !slices.Contains(folders, container.WorkingDir) || !slices.Contains(folders, filepath.Dir(list)) || !slices.Contains(folders, "/tmp") {
		t.Errorf("volumes at %q", folders)
	}
	if !pod.SecurityContext.RunAsNonRoot || !container.SecurityContext.ReadOnlyRootFilesystem {
		t.Errorf("it may be root, or write to its own file system: %+v, %+v", pod.SecurityContext, container.SecurityContext)
	}
}

// mountedAt returns where a pod's only container mounts the volumes, each of which it uses.
func mountedAt(t *testing.T, pod podSpec) (folders []string) {
	t.Helper()
	var mounted, volumes []string
	for _, mount := range pod.Containers[0].VolumeMounts {
		folders, mounted = append(folders, mount.MountPath), append(mounted, mount.Name)
	}
	for _, volume := range pod.Volumes {
		volumes = append(volumes, volume.Name)
	}
	if !slices.Equal(mounted, volumes) {
		t.Errorf("mounts %q, volumes %q", mounted, volumes)
	}
	return folders
}

// indexedJob is what the README uses of a Kubernetes Job.
type indexedJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		CompletionMode       string `yaml:"completionMode"`
		Completions          int
		Parallelism          int
		BackoffLimitPerIndex *int `yaml:"backoffLimitPerIndex"`
		Template             struct{ Spec podSpec }
	}
}

// The README's Job has a secret for each tenant and a command line that orgconn accepts.
// A tenant with failed rows does not end the runs of the others, as a failed pod does
// with backoffLimit.
func TestReadmeTenantsJob(t *testing.T) {
	var job indexedJob
	strictly(t, readmeBlocks(t, "yaml")[2], &job)
	pod := job.Spec.Template.Spec
	if job.Spec.CompletionMode != "Indexed" || len(pod.Containers) != 1 || pod.RestartPolicy != "Never" || pod.EnableServiceLinks {
		t.Fatalf("%+v", job)
	}
	if limit := job.Spec.BackoffLimitPerIndex; limit == nil || *limit != 0 {
		t.Error("a tenant's failed rows stop the other tenants, or are tried again")
	}
	script := pod.Containers[0].Command[2]
	_, command, _ := strings.Cut(script, "exec orgconn ")
	checkCommandLine(t, strings.Fields(command))
	for _, folder := range mountedAt(t, pod) {
		if !strings.Contains(script, folder+"/$JOB_COMPLETION_INDEX") {
			t.Errorf("%s is not used by tenant: %s", folder, script)
		}
	}
	if n := len(pod.Volumes[2].Projected.Sources); n != job.Spec.Completions {
		t.Errorf("%d secrets for %d tenants", n, job.Spec.Completions)
	}
}

// The README's CronJob uses the image that make image makes.
func TestReadmeImage(t *testing.T) {
	var job cronJob
	strictly(t, readmeBlocks(t, "yaml")[0], &job)
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`(?m)^IMAGE := (.+)$`).FindSubmatch(makefile)
	if image := job.Spec.JobTemplate.Spec.Template.Spec.Containers[0].Image; name == nil || !strings.HasPrefix(image, string(name[1])+":v") {
		t.Errorf("the README has %s, the Makefile %q", image, name)
	}
}

// The README's alert rules use metrics that exist.
func TestReadmeAlerts(t *testing.T) {
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct{ Alert, Expr string }
		}
	}
	strictly(t, readmeBlocks(t, "yaml")[1], &rules)
	path, code, now := filepath.Join(t.TempDir(), "orgconn.prom"), 0, time.Now()
	if err := reports.WriteMetrics(path, &reports.Summary{Command: "disable", ExitCode: &code, FinishedAt: &now}); err != nil {
		t.Fatal(err)
	}
	metrics, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules.Groups[0].Rules {
		name := regexp.MustCompile(`orgconn_\w+\{command="disable"`).FindString(rule.Expr)
		if name == "" || !strings.Contains(string(metrics), "\n"+name) {
			t.Errorf("%s: %s", rule.Alert, rule.Expr)
		}
	}
}

// The README's sessions do what they show, except for times and sums.
func TestReadmeSessions(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"pairs.csv", "move.csv"} {
		writeSession(t, dir, name, readmeBlocks(t, "console")[i])
	}
	runScripts(t, dir)
}

// writeSession writes a script that compares what the commands of a session print, on a
// tenant made from a list.
func writeSession(t *testing.T, dir, name, session string) {
	t.Helper()
	list, err := os.ReadFile("../../testdata/demo/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	fmt.Fprintf(&script, "tenant seed %s\n", name)
	for step := range strings.SplitSeq(strings.TrimPrefix(session, "$ "), "\n$ ") {
		command, output, _ := strings.Cut(step, "\n")
		// Some rows of the list fail on purpose.
		fmt.Fprintf(&script, "exec sh -c '%s || test $? = 1'\n", command)
		pattern := regexp.QuoteMeta(strings.TrimSuffix(output, "\n"))
		pattern = strings.ReplaceAll(pattern, `127\.0\.0\.1:8085`, `127\.0\.0\.1:[0-9]+`)
		pattern = regexp.MustCompile(`(?m)[0-9]+\\\.[0-9] s$`).ReplaceAllString(pattern, `[0-9.]+ s`)
		pattern = regexp.MustCompile(`sha256 [0-9a-f]+\\\.\\\.\\\.`).ReplaceAllString(pattern, `sha256 [0-9a-f]{64}`)
		fmt.Fprintf(&script, "stdout '\\A%s\\n?\\z'\n", strings.NewReplacer("\n", `\n`, "'", "''").Replace(pattern))
	}
	fmt.Fprintf(&script, "tenant lockouts 0\n-- %s --\n%s", name, list)
	if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(script.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
