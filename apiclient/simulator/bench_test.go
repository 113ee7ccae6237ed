package simulator

import (
	"net/http"
	"testing"

	"github.com/orgconn/orgconn/apiclient/plans"
)

func BenchmarkDelete(b *testing.B) {
	unlimited, _ := plans.ByName("unlimited")
	for name, connect := range map[string]func(testing.TB, *Tenant) client{"memory": inMemory, "loopback": overLoopback} {
		b.Run(name, func(b *testing.B) {
			c := connect(b, sample(Config{Plan: unlimited}))
			r := c.request("DELETE", links+"/"+con1, "")
			for b.Loop() {
				resp, err := c.http.Transport.RoundTrip(r)
				if err != nil || resp.StatusCode != http.StatusNoContent {
					b.Fatalf("%v, %v", resp, err)
				}
				resp.Body.Close()
			}
		})
	}
}
