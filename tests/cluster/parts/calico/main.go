// Command calico is Calico's felix, which turns NetworkPolicies into packet filter rules, and, called by the name calico,
// its CNI plugin, which connects a pod to the node.
package main

import (
	"os"
	"path/filepath"

	"github.com/projectcalico/calico/cni-plugin/pkg/plugin"
	"github.com/projectcalico/calico/felix/daemon"
)

const version = "v3.28"

func main() {
	if filepath.Base(os.Args[0]) == "calico" {
		plugin.Main(version)
		return
	}
	// No configuration file: everything comes from FELIX_ environment variables. No build date, no revision.
	daemon.Run("/nonexistent", version, "", "")
}
