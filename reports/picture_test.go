package reports

import (
	"flag"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

var picture = flag.String("picture", "", "run directory whose page is to be the picture in the README")

// TestPicture takes the picture of a page that is in the README; see the Makefile.
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
