// Calls a gRPC service without a pause and prints which backend answered, one line a call: its address, or ! and the
// reason. Nothing about balancing is said here: what the client does comes from DNS, or from -service-config.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/resolver/dns"
	"google.golang.org/grpc/status"
)

func main() {
	config := flag.String("service-config", "", "default service config, as JSON")
	least := flag.Duration("min-resolution", 0, "least time between two lookups (the library's own: 30s)")
	pause := flag.Duration("pause", 10*time.Millisecond, "between two calls")
	flag.Parse()
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if *config != "" {
		options = append(options, grpc.WithDefaultServiceConfig(*config))
	}
	if *least > 0 {
		dns.SetMinResolutionInterval(*least)
	}
	connection, err := grpc.NewClient(flag.Arg(0), options...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client := health.NewHealthClient(connection)
	for {
		fmt.Println(call(client))
		time.Sleep(*pause)
	}
}

func call(client health.HealthClient) string {
	context, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var backend peer.Peer
	if _, err := client.Check(context, &health.HealthCheckRequest{}, grpc.Peer(&backend)); err != nil {
		return "!" + status.Code(err).String()
	}
	return backend.Addr.String()
}
