package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// oneRow is a list.
const oneRow = "org_id,connection_id\norg_aaaaaaaaaaaaaaa1,con_aaaaaaaaaaaaaaa1\n"

// runWith runs orgconn disable on a list, with these environment variables beside
// the usual ones.
func runWith(t *testing.T, variables []string, flags ...string) (code int, output string) {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pairs.csv"), []byte(oneRow), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"orgconn", "disable", "--yes", "--out", "run"}, flags...)
	cmd := &exec.Cmd{Path: executable, Args: append(args, "pairs.csv"), Dir: dir}
	cmd.Env = append(append(os.Environ(), noRaceSleep), variables...)
	text, _ := cmd.CombinedOutput()
	for _, name := range []string{"journal.jsonl", "summary.json", "report.html", "results.csv"} {
		part, _ := os.ReadFile(filepath.Join(dir, "run", name))
		text = append(text, part...)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// refusingProxy answers each CONNECT with a status. It returns its address and the
// number of calls.
func refusingProxy(t *testing.T, status string) (address string, calls *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	calls = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				calls.Add(1)
				fmt.Fprintf(conn, "HTTP/1.1 %s %s\r\nContent-Length: 0\r\n\r\n", status, req.Header.Get("Proxy-Authorization"))
			}
			conn.Close()
		}
	}()
	return listener.Addr().String(), calls
}

var (
	// someTenant is this process's own, since a run takes the tenant's lock.
	someTenant = fmt.Sprintf("AUTH0_DOMAIN=tenant-%d.example", os.Getpid())

	byToken  = []string{someTenant, "AUTH0_API_TOKEN=a.ready.token"}
	byClient = []string{someTenant, "AUTH0_CLIENT_ID=id", "AUTH0_CLIENT_SECRET=topsecret"}
)

// A proxy that refuses is named, and its password is shown nowhere. A wrong password
// is tried once or twice, as more often would lock it.
func TestRefusingProxyIsNamed(t *testing.T) {
	for name, credentials := range map[string][]string{"token": byToken, "client": byClient} {
		for status, hint := range map[string]string{"407": "hint: check user name and password in HTTPS_PROXY", "403": "run the proxy"} {
			address, calls := refusingProxy(t, status)
			began := time.Now()
			code, output := runWith(t, append(credentials, "HTTPS_PROXY=http://u:pw%41pw@"+address))
			if code != journal.ExitRefused || time.Since(began) > 20*time.Second || calls.Load() > 2 {
				t.Errorf("%s, %s: exit %d after %s and %d calls", name, status, code, time.Since(began), calls.Load())
			}
			if !strings.Contains(output, "the proxy "+address+" answered "+status) || !strings.Contains(output, hint) {
				t.Errorf("%s, %s: output\n%s", name, status, output)
			}
			for _, secret := range []string{"pwApw", "pw%41pw", base64.StdEncoding.EncodeToString([]byte("u:pwApw"))} {
				if strings.Contains(output, secret) {
					t.Errorf("%s, %s: shows %q:\n%s", name, status, secret, output)
				}
			}
		}
	}
}

// A certificate that is not trusted, and a trust file that does not exist, are told.
func TestUntrustedCertificateIsToldByItsCause(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	for name, c := range map[string]struct{ file, hint string }{
		"no trust":   {"", "hint: install CA certificates"},
		"no file":    {"/no/such/file.pem", "hint: SSL_CERT_FILE names a file that cannot be read"},
		"other file": {writeFile(t, "ca.pem", "nothing"), "hint: install CA certificates"},
	} {
		for _, credentials := range [][]string{byToken, byClient} {
			code, output := runWith(t, append(credentials, "AUTH0_DOMAIN="+server.URL, "SSL_CERT_FILE="+c.file))
			if code != journal.ExitRefused || !strings.Contains(output, c.hint) {
				t.Errorf("%s: exit %d\n%s", name, code, output)
			}
		}
	}
}

func writeFile(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// The library's own log lines, some of which have the token, do not reach standard
// error, whatever GODEBUG says.
func TestOnlyOwnLinesReachStandardError(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	trusted := writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() { // answers each call twice
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				io.WriteString(conn, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 a.ready.token\r\n\r\n")
				time.Sleep(100 * time.Millisecond)
			}
			conn.Close()
		}
	}()
	for _, domain := range []string{server.URL, "http://" + listener.Addr().String()} {
		code, output := runWith(t, append(byToken, "AUTH0_DOMAIN="+domain, "SSL_CERT_FILE="+trusted, "GODEBUG=http2debug=2"), "--log-level", "debug")
		if code != journal.ExitCredentials || strings.Contains(output, "a.ready.token") || strings.Contains(output, "http2:") || strings.Contains(output, "Unsolicited") {
			t.Errorf("%s: exit %d\n%s", domain, code, output)
		}
	}
}

// A value that was damaged on its way into the environment is refused before any
// call. The variable is named, the value not shown.
func TestDamagedVariablesAreRefused(t *testing.T) {
	tenant := newSimulated(simulator.Config{RecordCalls: true})
	if err := tenant.listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer tenant.close()
	const proxy, mangled = " is not the address of a proxy", "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQ"
	for _, c := range []struct{ name, value, want string }{
		{"AUTH0_CLIENT_SECRET", "s3cret-value\n", " has a line break in it"},
		{"AUTH0_CLIENT_SECRET", "s3cret-value\r", " has a line break in it"},
		{"AUTH0_CLIENT_SECRET", "s3cret-\x1bvalue", " has a control character in it"},
		{"AUTH0_CLIENT_SECRET", "s3cret-value\u200b", " has an invisible character in it"},
		{"AUTH0_CLIENT_SECRET", "“s3cret-value”", " has quotes around it"},
		{"AUTH0_CLIENT_SECRET", "s3cret-value ", " has spaces around it"},
		{"AUTH0_CLIENT_ID", "s3cret-value\n", " has a line break in it"},
		{"AUTH0_CLIENT_ID", `"s3cret-value"`, " has quotes around it"},
		{"AUTH0_CLIENT_ID", `'s3cret-value'`, " has quotes around it"},
		{"AUTH0_DOMAIN", `"s3cret-value.auth0.com"`, " has quotes around it"},
		{"AUTH0_DOMAIN", "s3cret-value.auth0.com\n", " has a line break in it"},
		{"AUTH0_AUDIENCE", `"https://s3cret-value/api/v2/"`, " has quotes around it"},
		{"AUTH0_API_TOKEN", "s3cret-value\n", " has a line break in it"},
		{"AUTH0_API_TOKEN", "Bearer s3cret-value", " has a space in it"},
		{"AUTH0_ACCESS_TOKEN", `"s3cret-value"`, " has quotes around it"},
		{"AUTH0_CLIENT_ASSERTION_SIGNING_ALG", `"RS256"`, " has quotes around it"},
		{"AUTH0_CLIENT_ASSERTION_PRIVATE_KEY", "\"-----BEGIN PRIVATE KEY-----\n" + mangled + "\"", " has quotes around it"},
		{"HTTPS_PROXY", "http://u:p%ss3cret-value@proxy:3128", proxy},
		{"https_proxy", `"http://s3cret-value:3128"`, proxy},
		{"HTTPS_PROXY", "http://s3cret-value:port", proxy},
		{"HTTPS_PROXY", "http://s3cret-value:99999", proxy},
		{"HTTPS_PROXY", "ftp://s3cret-value", proxy},
		{"HTTP_PROXY", "http://s3cret value", proxy},
		{"http_proxy", "http://s3cret value", proxy},
	} {
		var variables []string
		for _, name := range tenant.variables() {
			variables = append(variables, name+"="+tenant.environment(name))
		}
		code, output := runWith(t, append(variables, c.name+"="+c.value))
		if code != journal.ExitRefused || !strings.Contains(output, "orgconn: "+c.name+c.want) || !strings.Contains(output, "\nhint: ") {
			t.Errorf("%s=%q: exit %d\n%s", c.name, c.value, code, output)
		}
		if strings.Contains(output, "s3cret-value") || strings.Contains(output, mangled[:20]) {
			t.Errorf("%s=%q is shown:\n%s", c.name, c.value, output)
		}
	}
	if calls := tenant.Count("", "/"); calls != 0 {
		t.Errorf("%d calls were sent", calls)
	}
}

// A private key that lost its line breaks or its frame is refused, and not shown.
func TestMangledKeyIsNotShown(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	good := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	body := base64.StdEncoding.EncodeToString(der)
	for name, c := range map[string]struct{ key, alg, want string }{
		"without its frame":       {body, "ES256", "is neither PEM nor a file"},
		"without frame, in lines": {body[:64] + "\n" + body[64:], "ES256", "has a line break in it"},
		"in one line":             {strings.ReplaceAll(good, "\n", " "), "ES256", "private key cannot sign with ES256"},
		"one letter changed":      {strings.Replace(good, "MI", "MJ", 1), "ES256", "private key cannot sign with ES256"},
		"no algorithm":            {good, "", "AUTH0_CLIENT_ASSERTION_SIGNING_ALG is not\nhint: set AUTH0_CLIENT_ASSERTION_SIGNING_ALG to"},
		"another algorithm":       {good, "RS256", "private key cannot sign with RS256"},
	} {
		code, output := runWith(t, []string{someTenant, "AUTH0_CLIENT_ID=id", "AUTH0_CLIENT_ASSERTION_PRIVATE_KEY=" + c.key, "AUTH0_CLIENT_ASSERTION_SIGNING_ALG=" + c.alg})
		if code != journal.ExitRefused || !strings.Contains(output, c.want) || !strings.Contains(output, "AUTH0_CLIENT_ASSERTION_SIGNING_ALG") && c.alg == "ES256" && name != "without frame, in lines" {
			t.Errorf("%s: exit %d\n%s", name, code, output)
		}
		for _, part := range []string{body[:20], body[70:90]} {
			if strings.Contains(output, part) {
				t.Errorf("%s: the key is shown:\n%s", name, output)
			}
		}
	}
}

// Every address that net/http can use for a proxy is accepted.
func TestProxyAddresses(t *testing.T) {
	for _, address := range []string{"http://proxy:3128", "https://u:p%25w@proxy", "socks5://10.0.0.1:1080", "socks5h://[::1]:1080", "proxy:3128", "proxy"} {
		if !isProxyAddress(address) {
			t.Errorf("%s is refused", address)
		}
	}
}

// A key from an .env file has \n for its line breaks.
func TestKeyWithWrittenLineBreaks(t *testing.T) {
	key, err := privateKey(t.Context(), `-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n`)
	if want := "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n"; err != nil || key.Reveal() != want {
		t.Errorf("%q, %v", key.Reveal(), err)
	}
}

// Where two ways to authenticate are set, the log says which one is used. It says too
// that a variable for proxies is not used.
func TestIgnoredVariablesAreTold(t *testing.T) {
	for _, c := range []struct {
		set  string
		want string // "": nothing is said
	}{
		{"AUTH0_CLIENT_ID AUTH0_CLIENT_SECRET AUTH0_API_TOKEN", `"used":["AUTH0_API_TOKEN"],"ignored":["AUTH0_CLIENT_ID","AUTH0_CLIENT_SECRET"]`},
		{"AUTH0_API_TOKEN AUTH0_ACCESS_TOKEN", `"used":["AUTH0_API_TOKEN"],"ignored":["AUTH0_ACCESS_TOKEN"]`},
		{"AUTH0_CLIENT_ID AUTH0_CLIENT_SECRET AUTH0_CLIENT_ASSERTION_PRIVATE_KEY", `"used":["AUTH0_CLIENT_ID","AUTH0_CLIENT_SECRET"],"ignored":["AUTH0_CLIENT_ASSERTION_PRIVATE_KEY"]`},
		{"AUTH0_CLIENT_ID AUTH0_CLIENT_SECRET AUTH0_CLIENT_ASSERTION_PRIVATE_KEY AUTH0_API_TOKEN", `"ignored":["AUTH0_CLIENT_ID","AUTH0_CLIENT_SECRET","AUTH0_CLIENT_ASSERTION_PRIVATE_KEY"]`},
		{"AUTH0_API_TOKEN AUTH0_CLIENT_ID", ""},
		{"AUTH0_CLIENT_ID AUTH0_CLIENT_SECRET", ""},
		{"AUTH0_API_TOKEN ALL_PROXY", "ALL_PROXY is not used"},
		{"AUTH0_API_TOKEN all_proxy", "all_proxy is not used"},
		{"AUTH0_API_TOKEN ALL_PROXY HTTPS_PROXY", ""},
		{"AUTH0_API_TOKEN ALL_PROXY https_proxy", ""},
	} {
		var out strings.Builder
		target := target{base: &url.URL{Scheme: "https", Host: "tenant.example"}}
		client, err := target.connect(t.Context(), func(name string) string {
			if slices.Contains(strings.Fields(c.set), name) {
				return "value"
			}
			return ""
		}, journal.Settings{Timeout: journal.Duration(time.Second)}, newLogger(&out, zapcore.InfoLevel, false))
		if err != nil {
			t.Fatalf("%s: %v", c.set, err)
		}
		client.Close()
		if c.want == "" && out.Len() > 0 || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: log %s", c.set, &out)
		}
	}
}

// A refusal of the token endpoint is told by its cause.
func TestRefusedTokenRequestHasItsHint(t *testing.T) {
	for name, c := range map[string]struct {
		status       int
		header, body string // the header as "Name: value"
		want         string
	}{
		"unknown audience": {403, "", `{"error":"access_denied","error_description":"Service not enabled within domain: https://x"}`, "hint: .*AUTH0_AUDIENCE must be"},
		"no such page":     {404, "", "<html>not found</html>", "hint: check AUTH0_DOMAIN: the host does not answer as"},
		"redirect":         {302, "Location: https://www.example/", "", "hint: check AUTH0_DOMAIN: the host does not answer as"},
		"clock":            {401, "Date: " + time.Now().Add(150*time.Second).UTC().Format(http.TimeFormat), `{"error":"invalid_client"}`, `hint: set this machine's clock: it is 2m\d+s behind`},
		"client":           {401, "", `{"error":"invalid_client"}`, "hint: check AUTH0_CLIENT_ID and its secret or key"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got, want := r.UserAgent(), "orgconn/"+version(); got != want {
				t.Errorf("the tenant's log shows %q, want %q", got, want)
			}
			if header, value, ok := strings.Cut(c.header, ": "); ok {
				w.Header().Set(header, value)
			}
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}))
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		pemKey := writeFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
		code, output := runWith(t, []string{"AUTH0_DOMAIN=" + server.URL, "AUTH0_CLIENT_ID=id", "AUTH0_CLIENT_ASSERTION_PRIVATE_KEY=" + pemKey, "AUTH0_CLIENT_ASSERTION_SIGNING_ALG=ES256"})
		server.Close()
		if code != journal.ExitCredentials || !regexp.MustCompile(c.want).MatchString(output) {
			t.Errorf("%s: exit %d\n%s", name, code, output)
		}
	}
}

// A ready token says which tenant it is for, whatever name the tenant is called by.
func TestTokenSaysWhichTenant(t *testing.T) {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"https://tenant.eu.auth0.com/api/v2/"}`))
	token := "eyJhbGciOiJIUzI1NiJ9." + claims + ".c2ln"
	for _, name := range []string{"login.example", "tenant.eu.auth0.com:0443", "https://tenant.eu.auth0.com/"} {
		target, err := findTarget(func(variable string) string {
			return map[string]string{"AUTH0_DOMAIN": name, "AUTH0_ACCESS_TOKEN": token}[variable]
		})
		if err != nil || target.tenant != "tenant.eu.auth0.com" {
			t.Errorf("%s: tenant %q, %v", name, target.tenant, err)
		}
		if err := target.check("run", "login.example"); err == nil || !strings.Contains(err.Error(), "but AUTH0_ACCESS_TOKEN is for tenant.eu.auth0.com") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A tenant that gives no token is not waited for in silence.
func TestWaitForTokenIsTold(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 0)
	asked := tenant.Inject(simulator.Fault{Kind: simulator.Hang, Path: "/oauth/token"})
	p := start(t, tenant, dir, "disable", "--dry-run", "pairs.csv")
	for asked() == 0 { // a busy machine starts a process late
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(tokenPatience + 2*time.Second)
	_ = p.Process.Signal(syscall.SIGINT)
	if code := p.end(); code != journal.ExitInterrupted || !strings.Contains(p.output.String(), "the tenant has given no token yet") {
		t.Errorf("exit %d: %s", code, &p.output)
	}
}
