package installed

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Names are the balancers that there are.
func Names() []string { return []string{"nginx", "haproxy"} }

// Find is the file of a balancer. An error says how to install it.
func Find(name string) (string, error) {
	if !slices.Contains(Names(), name) {
		return "", fmt.Errorf("%q is no balancer: use %s", name, strings.Join(Names(), " or "))
	}
	path, err := exec.LookPath(name)
	if err != nil { // Debian keeps it where only root looks
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		return "", fmt.Errorf("%s is not installed: make %[1]s, or apt-get install %[1]s (another one: -balancer builtin)", name)
	}
	return path, nil
}
