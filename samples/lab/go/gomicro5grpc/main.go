// Command gomicro5grpc is a service and a client on go-micro v5 over gRPC. It is a program of its own: go-micro's gRPC
// client takes the place of the codec that its etcd registry needs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"go-micro.dev/v5/broker"
	"go-micro.dev/v5/client"
	grpcclient "go-micro.dev/v5/client/grpc"
	"go-micro.dev/v5/logger"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/registry"
	"go-micro.dev/v5/server"
	grpcserver "go-micro.dev/v5/server/grpc"
	"wirelint.example/lab/ends"
)

var (
	listen  = flag.String("listen", "", "address and port of the service")
	token   = flag.String("token", "", "bearer token")
	caller  = flag.String("from", "", "Micro-From-Service")
	secured ends.Flags
)

type Item struct {
	Name string `json:"name"`
}

type Inventory struct{}

func (Inventory) Reserve(_ context.Context, in *Item, out *Item) error {
	out.Name = "reserved " + in.Name
	return nil
}

func main() {
	what := os.Args[1]
	secured.Register(flag.CommandLine)
	if err := flag.CommandLine.Parse(os.Args[2:]); err != nil {
		fail(err)
	}
	logger.DefaultLogger = logger.NewLogger(logger.WithLevel(logger.ErrorLevel))
	commands := map[string]func() error{"serve": serve, "call": call}
	if err := commands[what](); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gomicro5grpc:", err)
	os.Exit(1)
}

func serve() error {
	options := []server.Option{
		server.Name("shop.inventory"), server.Address(*listen), server.Registry(registry.NewMemoryRegistry()),
		server.Broker(broker.NewMemoryBroker()), server.RegisterInterval(time.Hour),
	}
	config, err := secured.Config()
	if err != nil {
		return err
	}
	if config != nil {
		options = append(options, grpcserver.AuthTLS(config))
	}
	one := grpcserver.NewServer(options...)
	if err := one.Handle(one.NewHandler(Inventory{})); err != nil {
		return err
	}
	if err := one.Start(); err != nil {
		return err
	}
	select {}
}

func call() error {
	options := []client.Option{
		client.Registry(registry.NewMemoryRegistry()), client.Broker(broker.NewMemoryBroker()), client.Retries(0),
		client.ContentType("application/json"), client.RequestTimeout(5 * time.Second),
	}
	config, err := secured.Config()
	if err != nil {
		return err
	}
	if config != nil {
		options = append(options, grpcclient.AuthTLS(config))
	}
	one := grpcclient.NewClient(options...)
	ctx := context.Background()
	if *token != "" {
		ctx = metadata.Set(ctx, "Authorization", "Bearer "+*token)
	}
	if *caller != "" {
		ctx = metadata.Set(ctx, "Micro-From-Service", *caller)
	}
	for range ends.Calls(2) {
		var out Item
		request := one.NewRequest("shop.inventory", "Inventory.Reserve", &Item{Name: "chair"})
		if err := one.Call(ctx, request, &out, client.WithAddress(*listen)); err != nil {
			return err
		}
	}
	return nil
}
