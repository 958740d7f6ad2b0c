// Asks Go's resolver: its own, or the C library's, as GODEBUG=netdns=go or netdns=cgo says. Arguments and output are those
// of getaddrinfo.c, and SRV:NAME and TXT:NAME.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

func reason(err error) string {
	var failure *net.DNSError
	var noneOfFamily *net.AddrError
	switch {
	case errors.As(err, &noneOfFamily):
		return "!no-data"
	case !errors.As(err, &failure):
		return "!" + err.Error()
	case failure.IsNotFound:
		return "!not-found"
	case failure.IsTemporary, failure.IsTimeout:
		return "!try-again"
	}
	return "!" + failure.Err
}

func addresses(network, name string) (found []string, err error) {
	list, err := net.DefaultResolver.LookupIP(context.Background(), network, name)
	for _, address := range list {
		found = append(found, address.String())
	}
	return found, err
}

func targets(name string) (found []string, err error) {
	_, list, err := net.LookupSRV("", "", name)
	for _, record := range list {
		found = append(found, fmt.Sprintf("%s:%d", record.Target, record.Port))
	}
	return found, err
}

func ask(kind, what string) ([]string, error) {
	switch kind {
	case "PTR":
		return net.LookupAddr(what)
	case "SRV":
		return targets(what)
	case "TXT":
		return net.LookupTXT(what)
	}
	return addresses(map[string]string{"A": "ip4", "AAAA": "ip6", "ANY": "ip"}[kind], what)
}

func main() {
	for _, question := range os.Args[1:] {
		kind, what, _ := strings.Cut(question, ":")
		found, err := ask(kind, what)
		line := strings.Join(found, " ")
		if err != nil {
			line = reason(err)
		}
		fmt.Printf("%s\t%s\n", question, line)
	}
}
