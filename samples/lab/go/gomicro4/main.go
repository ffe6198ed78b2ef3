// Command gomicro is a service and a client on go-micro v4, with what it does by default and with its TLS switches.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"time"

	"go-micro.dev/v4/broker"
	"go-micro.dev/v4/client"
	"go-micro.dev/v4/logger"
	"go-micro.dev/v4/metadata"
	"go-micro.dev/v4/registry"
	"go-micro.dev/v4/server"
	"go-micro.dev/v4/transport"
	"wirelint.example/lab/ends"
)

var (
	listen  = flag.String("listen", "", "address and port of the service")
	over    = flag.String("over", "http", "http or broker")
	secure  = flag.Bool("secure", false, "Secure(true) without a TLS configuration")
	lax     = flag.Bool("insecure", false, "a TLS configuration that verifies nothing")
	token   = flag.String("token", "", "bearer token")
	mdns    = flag.Bool("mdns", false, "register by mDNS")
	times   = flag.Int("times", 2, "calls")
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
	commands := map[string]func() error{"serve": serve, "call": call, "publish": publish, "subscribe": subscribe}
	if err := commands[what](); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gomicro:", err)
	os.Exit(1)
}

func security() (*tls.Config, error) {
	if *lax {
		return &tls.Config{InsecureSkipVerify: true}, nil
	}
	return secured.Config()
}

func wire() (transport.Transport, error) {
	config, err := security()
	if err != nil {
		return nil, err
	}
	options := []transport.Option{transport.Secure(*secure)}
	if config != nil {
		options = append(options, transport.TLSConfig(config))
	}
	return transport.NewHTTPTransport(options...), nil
}

func known() registry.Registry {
	if *mdns {
		return registry.NewRegistry()
	}
	return registry.NewMemoryRegistry()
}

func serve() error {
	over, err := wire()
	if err != nil {
		return err
	}
	one := server.NewServer(
		server.Name("shop.inventory"), server.Address(*listen), server.Transport(over), server.Registry(known()),
		server.Broker(broker.NewMemoryBroker()), server.RegisterInterval(time.Hour),
	)
	if err := one.Handle(one.NewHandler(Inventory{})); err != nil {
		return err
	}
	if err := one.Start(); err != nil {
		return err
	}
	select {}
}

func call() error {
	over, err := wire()
	if err != nil {
		return err
	}
	one := client.NewClient(
		client.Transport(over), client.Registry(known()), client.Broker(broker.NewMemoryBroker()), client.Retries(0),
		client.ContentType("application/json"), client.RequestTimeout(5*time.Second),
	)
	ctx := context.Background()
	if *token != "" {
		ctx = metadata.Set(ctx, "Authorization", "Bearer "+*token)
	}
	if *caller != "" {
		ctx = metadata.Set(ctx, "Micro-From-Service", *caller)
	}
	for range ends.Calls(*times) {
		var out Item
		request := one.NewRequest("shop.inventory", "Inventory.Reserve", &Item{Name: "chair"})
		var options []client.CallOption
		if *listen != "" {
			options = append(options, client.WithAddress(*listen))
		}
		if err := one.Call(ctx, request, &out, options...); err != nil {
			return err
		}
	}
	time.Sleep(100 * time.Millisecond)
	return nil
}

func bus() (broker.Broker, error) {
	config, err := security()
	if err != nil {
		return nil, err
	}
	options := []broker.Option{broker.Addrs(*listen), broker.Registry(known()), broker.Secure(*secure)}
	if config != nil {
		options = append(options, broker.TLSConfig(config))
	}
	one := broker.NewBroker(options...)
	if err := one.Init(); err != nil {
		return nil, err
	}
	return one, one.Connect()
}

func subscribe() error {
	one, err := bus()
	if err != nil {
		return err
	}
	if _, err := one.Subscribe("shop.orders", func(broker.Event) error { return nil }); err != nil {
		return err
	}
	select {}
}

func publish() error {
	one, err := bus()
	if err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond)
	if err := one.Publish("shop.orders", &broker.Message{Header: map[string]string{"kind": "order"}, Body: []byte("chair")}); err != nil {
		return err
	}
	time.Sleep(time.Second)
	return nil
}
