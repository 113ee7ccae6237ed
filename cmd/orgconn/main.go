// Command orgconn disables organization connections in an Auth0 tenant in
// bulk, as fast as the tenant's rate limit allows, and can undo it.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:]))
}
