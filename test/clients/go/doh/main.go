// Asks a DNS-over-HTTPS server (RFC 8484) by Go's own HTTP client, over one connection and all at once, and prints a line for each
// question, in their order: HTTP's version and status, what the reply's header says of its content and its age, the rcode, the records.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var types = map[string]dnsmessage.Type{"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA}

func main() {
	authority := flag.String("ca", "", "PEM file of the authority that the server's certificate is from")
	method := flag.String("method", http.MethodGet, "GET or POST")
	flag.Parse()
	url, questions := flag.Arg(0), flag.Args()[1:]

	pem, err := os.ReadFile(*authority)
	if err != nil {
		fail(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
	}

	var connections atomic.Int32
	lines := make([]string, len(questions))
	ask := func(i int) {
		line, err := exchange(&client, *method, url, questions[i], &connections)
		if err != nil {
			fail(err)
		}
		lines[i] = line
	}
	// The others find its connection open.
	ask(0)
	var under sync.WaitGroup
	for i := range questions[1:] {
		under.Go(func() { ask(i + 1) })
	}
	under.Wait()
	for _, line := range lines {
		fmt.Println(line)
	}
	fmt.Printf("connections: %d\n", connections.Load())
}

// question: NAME/TYPE.
func exchange(client *http.Client, method, url, question string, connections *atomic.Int32) (string, error) {
	name, typeName, _ := strings.Cut(question, "/")
	query, err := pack(name, types[typeName])
	if err != nil {
		return "", err
	}
	request, err := newRequest(method, url, query)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", "application/dns-message")
	trace := httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			connections.Add(1)
		}
	}}
	response, err := client.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), &trace)))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("%s %d %s %s", response.Proto, response.StatusCode,
		response.Header.Get("Content-Type"), response.Header.Get("Cache-Control"))
	if response.StatusCode != http.StatusOK {
		return head, nil
	}
	var reply dnsmessage.Message
	if err := reply.Unpack(body); err != nil {
		return "", err
	}
	texts := []string{head, reply.RCode.String()}
	for _, answer := range reply.Answers {
		texts = append(texts, fmt.Sprintf("%s %s", answer.Header.Name, data(answer.Body)))
	}
	return strings.Join(texts, " | "), nil
}

func newRequest(method, url string, query []byte) (*http.Request, error) {
	if method == http.MethodGet {
		return http.NewRequest(method, url+"?dns="+base64.RawURLEncoding.EncodeToString(query), nil)
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(query))
	if err == nil {
		request.Header.Set("Content-Type", "application/dns-message")
	}
	return request, err
}

// The ID is 0, so that caches see one question (RFC 8484 §4.1).
func pack(name string, kind dnsmessage.Type) ([]byte, error) {
	owner, err := dnsmessage.NewName(name)
	if err != nil {
		return nil, err
	}
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: owner, Type: kind, Class: dnsmessage.ClassINET}},
	}
	return message.Pack()
}

func data(body dnsmessage.ResourceBody) string {
	switch record := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(record.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(record.AAAA).String()
	default:
		return fmt.Sprintf("%T", body)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
