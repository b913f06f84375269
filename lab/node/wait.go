// SPDX-License-Identifier: GPL-3.0-or-later

// Command wait does nothing until it is told to stop, and collects orphaned processes meanwhile.
// It is the pause container of the lab's pods, and under the name dex the stand-in for dex while no single sign-on is configured.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	if filepath.Base(os.Args[0]) == "dex" {
		fmt.Fprintln(os.Stderr, "dex (double): waits; the lab has no single sign-on")
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			var status syscall.WaitStatus
			if child, _ := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); child <= 0 {
				break
			}
		}
	}
}
