package reports

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var shots = flag.String("shots", "", "folder for screenshots of the page (default: the test's artifacts)")

// browser is Chromium with a page open. It records what a page must not do.
type browser struct {
	context.Context
	mu       sync.Mutex
	requests []string // other than the page itself
	errors   []string // of the console
}

// openBrowser starts Chromium. If there is none it skips the test, or fails it with
// CI_BROWSER=required.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI_BROWSER") == "required" {
			t.Fatal("there is no Chromium")
		}
		t.Skip("there is no Chromium")
	}
	var err error
	for range 3 { // on a busy machine it does not always start
		var b *browser
		if b, err = startBrowser(t, path); err == nil {
			call(t, b, network.Enable, network.EnableParams{})
			call(t, b, log.Enable, cdp.Empty{})
			return b
		}
		t.Log(err)
	}
	t.Fatal(err)
	return nil
}

func startBrowser(t *testing.T, path string) (*browser, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox)
	for _, name := range []string{"disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &browser{Context: ctx}
	return b, chromedp.Listen(ctx, b.record)
}

// record records requests and errors.
func (b *browser) record(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasSuffix(url, "/report.html") && !strings.HasPrefix(url, "data:") {
			b.requests = append(b.requests, url)
		}
	case *log.EventEntryAdded:
		b.errors = append(b.errors, e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		b.errors = append(b.errors, fmt.Sprint("console.", e.Type))
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, e.ExceptionDetails.Text)
	}
}

func (b *browser) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b, actions...); err != nil {
		t.Fatal(err)
	}
}

// open opens the page of a run directory.
func (b *browser) open(t *testing.T, dir string) {
	t.Helper()
	b.do(t, chromedp.Navigate("file://"+filepath.Join(dir, "report.html")), chromedp.WaitReady("#facts"))
}

// look sets the window and the colour scheme.
func (b *browser) look(t *testing.T, width int, scheme string) {
	t.Helper()
	b.do(t, chromedp.EmulateViewport(int64(width), 1800))
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// eval evaluates an expression in the page.
func eval[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	return get(t, b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

func get[T any](t *testing.T, b *browser, action chromedp.Action[T]) T {
	t.Helper()
	value, err := chromedp.Run(b, action)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func call[P any](t *testing.T, b *browser, command cdp.Command[P, cdp.Empty], params P) {
	t.Helper()
	if _, err := chromedp.Call(b, command, params); err != nil {
		t.Fatal(err)
	}
}

// checkQuiet fails the test if the page requested something or logged an error.
func (b *browser) checkQuiet(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.requests)+len(b.errors) > 0 {
		t.Errorf("requests %q, errors %q", b.requests, b.errors)
	}
}

// waitFor waits until an expression has a value.
func (b *browser) waitFor(t *testing.T, expression, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got = eval[string](t, b, expression); got == want {
			return
		}
	}
	t.Errorf("%s is %q, want %q", expression, got, want)
}

func (b *browser) status(t *testing.T) string {
	return eval[string](t, b, `document.getElementById("status").textContent`)
}

func screenshot(t *testing.T, b *browser, name string) {
	t.Helper()
	folder := *shots
	if folder == "" {
		folder = t.ArtifactDir()
	}
	png := get(t, b, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every page loads nothing and logs no error, in both colour schemes, and fits the
// width of a phone.
func TestPageInBrowser(t *testing.T) {
	b := openBrowser(t)
	for _, run := range sampleRuns() {
		b.open(t, run.make(t))
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int{1280, 380} {
				b.look(t, width, scheme)
				if got := eval[int](t, b, "document.documentElement.scrollWidth"); got > width {
					t.Errorf("%s: %d px wide in a window of %d", run.name, got, width)
				}
				screenshot(t, b, fmt.Sprintf("%s-%s-%d", run.name, scheme, width))
			}
		}
		links := eval[[]string](t, b, `[...document.querySelectorAll("a:not([href^='#'])")].map(a => a.href)`)
		if i := slices.IndexFunc(links, func(link string) bool {
			return !strings.HasPrefix(link, "https://manage.auth0.com/dashboard/eu/acme/organizations/org_")
		}); i >= 0 {
			t.Errorf("%s: a link to %s", run.name, links[i])
		}
	}
	b.checkQuiet(t)
}

func TestSearchAndFilter(t *testing.T) {
	b := openBrowser(t)
	b.open(t, sampleRuns()[2].make(t)) // many failed
	const titles = "Line|Outcome|Organization|Connection|Message|customer|Status|Attempts|Finished (UTC)|Call (ms)|Request id|Correlation id"
	if got := eval[string](t, b, `[...document.querySelectorAll("#table thead th")].map(th => th.textContent).join("|")`); got != titles {
		t.Errorf("columns %q, want %q", got, titles)
	}
	typed := func(text string) chromedp.Action[chromedp.Void] {
		return chromedp.Steps(chromedp.SetValue("#search", text), chromedp.Focus("#search"), chromedp.KeyEvent(" "))
	}
	for _, step := range []struct {
		action chromedp.Action[chromedp.Void]
		status string
	}{
		{chromedp.WaitVisible("#search"), "Rows 1 to 50 of 500"},
		{chromedp.Click("#next"), "Rows 51 to 100 of 500"},
		{typed("Payload VALIDATION"), "Matching rows 1 to 50 of 50"},
		{typed("validation payload"), "No matching rows"}, // no phrase of a cell
		{typed("customer-11 failed"), "No matching rows"}, // not of one cell
		{typed("06:00:0"), "No matching rows"},            // times are not searched
		{typed("customer-1"), "Matching rows 1 to 50 of 78"},
		{typed("tanbul"), "Matching rows 1 to 1 of 1"},
		{typed("no such thing"), "No matching rows"},
		{chromedp.Click("button[type=reset]"), "Rows 1 to 50 of 500"},
		{chromedp.Click("button[data-outcome=blocked]"), "Matching rows 1 to 10 of 10"},
	} {
		b.do(t, step.action)
		b.waitFor(t, `document.getElementById("status").textContent`, step.status)
	}
	b.checkQuiet(t)
}

func TestKeyboard(t *testing.T) {
	b := openBrowser(t)
	b.open(t, sampleRuns()[2].make(t))
	b.do(t, chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // the skip link
	for range 2 {
		b.do(t, chromedp.KeyEvent(kb.Tab))
	}
	if got := eval[string](t, b, "document.activeElement.id"); got != "outcome" {
		t.Errorf("the focus is on %q, want outcome", got)
	}
	b.do(t, chromedp.KeyEvent("n")) // needs attention
	if got, want := b.status(t), "Matching rows 1 to 50 of 210"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	for range 2 { // past the button that shows all; the first page has nothing before it
		b.do(t, chromedp.KeyEvent(kb.Tab))
	}
	b.do(t, chromedp.KeyEvent(kb.Enter))
	if got, want := b.status(t), "Matching rows 51 to 100 of 210"; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	b.checkQuiet(t)
}

// The bounds are generous, because the machine may be busy. The log has the figures.
func TestPageIsQuick(t *testing.T) {
	b := openBrowser(t)
	runs := sampleRuns()
	b.open(t, runs[len(runs)-1].make(t))
	paint := eval[float64](t, b, `new Promise(done => new PerformanceObserver(list => done(list.getEntriesByName("first-contentful-paint")[0].startTime))
		.observe({type: "paint", buffered: true}))`)
	filter := eval[float64](t, b, `(() => {
		const search = document.getElementById("search");
		search.value = "customer-3 payload";
		const began = performance.now();
		search.dispatchEvent(new Event("input"));
		document.body.offsetHeight;
		return performance.now() - began;
	})()`)
	t.Logf("10,000 rows: first paint after %.0f ms, filter in %.1f ms", paint, filter)
	if paint > 5000 || filter > 1000 {
		t.Errorf("first paint after %.0f ms, filter in %.0f ms", paint, filter)
	}
}

var picture = flag.String("picture", "", "run directory whose page is to be the picture in the README")

// TestPicture makes the picture in the README; see the Makefile.
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("no -picture")
	}
	b := openBrowser(t)
	b.look(t, 1280, "light")
	b.do(t, chromedp.EmulateViewport(1280, 1250))
	b.open(t, *picture)
	if err := os.WriteFile("page.png", get(t, b, chromedp.CaptureScreenshot()), 0o644); err != nil {
		t.Fatal(err)
	}
}
