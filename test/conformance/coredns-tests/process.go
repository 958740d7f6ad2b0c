// Package caddy, but for what begins and ends a server: CoreDNS's tests start slicedns through it, as a process.
// run.ts puts this file beside caddy's own, whose Start, Stop, Restart and ShutdownCallbacks it renames.
package caddy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// DefaultPort is the port of keys without one. MetricsListen hears the address that `prometheus localhost:0` has.
// The tests' package sets both: this one cannot import what they look at.
var (
	DefaultPort   = func() string { return "53" }
	MetricsListen = func(string) {}
)

const patience = time.Minute

// process is the server behind an Instance.
type process struct {
	command *exec.Cmd
	folder  string
	// ports are those that the server has the choice of, by scheme: the same in every reload.
	ports   map[string]string
	metrics string
	// exited is closed when it has ended.
	exited chan struct{}

	mu     sync.Mutex
	output strings.Builder
}

var (
	processesMu sync.Mutex
	processes   = map[*Instance]*process{}
)

// Start writes the Corefile and starts the command of SLICEDNS_COMMAND with it; its words are parted by newlines.
func Start(input Input) (*Instance, error) {
	AppName, AppVersion = os.Getenv("SLICEDNS_NAME"), os.Getenv("SLICEDNS_VERSION")
	folder, err := os.MkdirTemp("", "coredns-tests-")
	if err != nil {
		return nil, err
	}
	p := &process{folder: folder, ports: map[string]string{}, metrics: freePort(), exited: make(chan struct{})}
	text := p.corefile(input)
	if err := os.WriteFile(p.path(), []byte(text), 0o600); err != nil {
		return nil, err
	}
	endSharers(p.listeners(text))
	words := append(strings.Split(os.Getenv("SLICEDNS_COMMAND"), "\n"),
		"-conf", p.path(), "-pidfile", filepath.Join(folder, "pid"), "-p", DefaultPort())
	p.command = exec.Command(words[0], words[1:]...)
	p.command.Stdout, p.command.Stderr = p, p
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.command.Wait()
		close(p.exited)
	}()
	if err := p.printed(regexp.MustCompile(`(?m)^slicedns-\d`), 0); err != nil {
		p.end()
		return nil, err
	}
	return p.instance(text), nil
}

// Restart writes the new Corefile and asks the process to read it.
func (i *Instance) Restart(input Input) (*Instance, error) {
	p := processOf(i)
	if p == nil {
		return i, errors.New("the server has been stopped")
	}
	text := p.corefile(input)
	if err := os.WriteFile(p.path(), []byte(text), 0o600); err != nil {
		return i, err
	}
	pid, err := os.ReadFile(filepath.Join(p.folder, "pid"))
	if err != nil {
		return i, err
	}
	number, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err != nil {
		return i, err
	}
	since := len(p.text())
	if err := syscall.Kill(number, syscall.SIGUSR1); err != nil {
		return i, err
	}
	if err := p.printed(regexp.MustCompile(`Reloading complete|reload failed.*`), since); err != nil {
		return i, err
	}
	if failed := regexp.MustCompile(`reload failed.*`).FindString(p.text()[since:]); failed != "" {
		return i, errors.New(failed)
	}
	next := p.instance(text)
	processesMu.Lock()
	delete(processes, i)
	processesMu.Unlock()
	return next, nil
}

// Stop ends the process.
func (i *Instance) Stop() error {
	if p := processOf(i); p != nil {
		p.end()
		processesMu.Lock()
		delete(processes, i)
		processesMu.Unlock()
	}
	return nil
}

// ShutdownCallbacks has nothing to call: what they do is done where the process ends.
func (i *Instance) ShutdownCallbacks() []error { return nil }

// endSharers ends the servers that have one of the ports. Some tests find a port with a server that they stop when the next has
// it, too: slicedns shares no port with another process (docs/differences.md).
func endSharers(listeners []ServerListener) {
	wanted := map[string]bool{}
	for _, each := range listeners {
		wanted[each.Addr().String()] = true
	}
	processesMu.Lock()
	defer processesMu.Unlock()
	for i, p := range processes {
		for _, each := range i.servers {
			if wanted[each.Addr().String()] {
				p.end()
				delete(processes, i)
				break
			}
		}
	}
}

func processOf(i *Instance) *process {
	processesMu.Lock()
	defer processesMu.Unlock()
	return processes[i]
}

func (p *process) instance(text string) *Instance {
	MetricsListen("localhost:" + p.metrics)
	i := &Instance{serverType: "dns", wg: new(sync.WaitGroup), servers: p.listeners(text)}
	processesMu.Lock()
	processes[i] = p
	processesMu.Unlock()
	EmitEvent(InstanceStartupEvent, i)
	return i
}

func (p *process) end() {
	_ = p.command.Process.Kill()
	<-p.exited
	os.RemoveAll(p.folder)
}

func (p *process) path() string { return filepath.Join(p.folder, "Corefile") }

var (
	keysLine   = regexp.MustCompile(`(?m)^\s*[^\s#{}]*:0([\s,{].*)?$`)
	anyPort    = regexp.MustCompile(`(?:([a-z0-9]+)://)?[^\s,{}:/]*:0([\s,{]|$)`)
	anyMetrics = regexp.MustCompile(`(?m)^(\s*prometheus\s+\S*):0(\s|$)`)
	boundTo    = regexp.MustCompile(`(?m)^\s*bind[ \t]+([0-9a-f.:]+)\s`)
	keys       = regexp.MustCompile(`(?m)^\s*[^\s#{}]*:\d+([\s,{].*)?$`)
	blockKey   = regexp.MustCompile(`(?:([a-z0-9]+)://)?[^\s#{},:/]*:(\d+)(?:[\s,{]|$)`)
	manyShards = regexp.MustCompile(`(?m)^\s*multisocket[ \t]*(\d*)`)
)

// corefile is the text with a port where it leaves the choice to the server: one for each scheme.
func (p *process) corefile(input Input) string {
	text := anyMetrics.ReplaceAllString(string(input.Body()), "${1}:"+p.metrics+"${2}")
	return keysLine.ReplaceAllStringFunc(text, func(line string) string {
		return anyPort.ReplaceAllStringFunc(line, func(key string) string {
			scheme, address, found := strings.Cut(key, "://")
			if !found {
				scheme, address = "", key
			}
			at := strings.LastIndex(address, ":0")
			return strings.TrimSuffix(key, address) + address[:at+1] + p.portOf(scheme) + address[at+2:]
		})
	})
}

func (p *process) portOf(scheme string) string {
	if _, known := p.ports[scheme]; !known {
		p.ports[scheme] = freePort()
	}
	return p.ports[scheme]
}

// listeners are the addresses that the keys name, each as often as multisocket says.
func (p *process) listeners(text string) []ServerListener {
	times := 1
	if shards := manyShards.FindStringSubmatch(text); shards != nil {
		times = runtime.GOMAXPROCS(0)
		if n, err := strconv.Atoi(shards[1]); err == nil {
			times = n
		}
	}
	address := net.IPv6zero
	if bound := boundTo.FindStringSubmatch(text); bound != nil {
		address = net.ParseIP(bound[1])
	}
	var all []ServerListener
	seen := map[string]bool{}
	for _, key := range blockKey.FindAllStringSubmatch(strings.Join(keys.FindAllString(text, -1), "\n"), -1) {
		scheme, number := key[1], key[2]
		if seen[number] {
			continue
		}
		seen[number] = true
		port, _ := strconv.Atoi(number)
		for n := 0; n < times; n++ {
			one := ServerListener{listener: listening{tcp: &net.TCPAddr{IP: address, Port: port}}}
			if scheme == "" || scheme == "dns" {
				one.packet = bound{udp: &net.UDPAddr{IP: address, Port: port}}
			}
			all = append(all, one)
		}
	}
	return all
}

// listening and bound have an address and nothing else: nobody but the process serves.
type listening struct {
	net.Listener
	tcp *net.TCPAddr
}

func (l listening) Addr() net.Addr { return l.tcp }

type bound struct {
	net.PacketConn
	udp *net.UDPAddr
}

func (b bound) LocalAddr() net.Addr { return b.udp }

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "0"
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// Write keeps what the process prints, and hands it on where SLICEDNS_SHOW is set.
func (p *process) Write(octets []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if os.Getenv("SLICEDNS_SHOW") != "" {
		_, _ = os.Stderr.Write(octets)
	}
	return p.output.Write(octets)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// printed waits until the output from since on matches, or the process ends.
func (p *process) printed(pattern *regexp.Regexp, since int) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if pattern.MatchString(p.text()[since:]) {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("the server has ended: %s", p.text())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("the server has not printed %s: %s", pattern, p.text())
}
