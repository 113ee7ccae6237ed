package reports

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

func TestPairsWriter(t *testing.T) {
	var out strings.Builder
	w := NewPairsWriter(&out)
	w.Add("org_1", "acme", "con_1", journal.Snapshot{Name: "okta", LinkSettings: apiclient.LinkSettings{ShowAsButton: new(true), IsSignupEnabled: new(false)}})
	w.Add("org_2", "=1+1", "con_2", journal.Snapshot{Name: "@SUM(a,b)"})
	if out.Len() > 0 {
		t.Error("written before Flush")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `org_id,connection_id,org_name,connection_name,assign_membership_on_login,show_as_button,is_signup_enabled
org_1,con_1,acme,okta,,yes,no
org_2,con_2,'=1+1,"'@SUM(a,b)",,,
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPairsThatCannotBeWritten(t *testing.T) {
	if err := NewPairsWriter(fullDisk{}).Flush(); err == nil {
		t.Error("no error")
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }
