// Command trpc is a service and a client on tRPC-Go.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"
	"trpc.group/trpc-go/trpc-go"
	"trpc.group/trpc-go/trpc-go/client"
	"trpc.group/trpc-go/trpc-go/codec"
	"trpc.group/trpc-go/trpc-go/log"
	"trpc.group/trpc-go/trpc-go/server"
	"wirelint.example/lab/ends"
)

const method = "/trpc.shop.inventory.Inventory/Reserve"

type inventory interface{}

var description = server.ServiceDesc{
	ServiceName: "trpc.shop.inventory.Inventory",
	HandlerType: (*inventory)(nil),
	Methods: []server.Method{{Name: method, Func: func(_ any, ctx context.Context, filter server.FilterFunc) (any, error) {
		in := &wrapperspb.StringValue{}
		filters, err := filter(in)
		if err != nil {
			return nil, err
		}
		return filters.Filter(ctx, in, func(_ context.Context, _ any) (any, error) {
			return wrapperspb.String("reserved " + in.Value), nil
		})
	}}},
}

var secured ends.Flags

func main() {
	log.SetLevel("default", log.LevelFatal)
	secured.Register(flag.CommandLine)
	if err := flag.CommandLine.Parse(os.Args[3:]); err != nil {
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "trpc:", err)
		os.Exit(1)
	}
}

func run(what, address string) error {
	if what == "serve" {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		config, err := secured.Config()
		if err != nil {
			return err
		}
		if config != nil {
			listener = tls.NewListener(listener, config)
		}
		one := server.New(server.WithServiceName("trpc.shop.inventory.Inventory"), server.WithProtocol("trpc"), server.WithNetwork("tcp"),
			server.WithAddress(address), server.WithListener(listener))
		if err := one.Register(&description, struct{}{}); err != nil {
			return err
		}
		return one.Serve()
	}
	for range ends.Calls(2) {
		ctx, message := codec.WithCloneMessage(trpc.BackgroundContext())
		message.WithClientRPCName(method)
		message.WithCalleeServiceName("trpc.shop.inventory.Inventory")
		message.WithCallerServiceName("trpc.shop.orders.Orders")
		message.WithSerializationType(codec.SerializationTypePB)
		out := &wrapperspb.StringValue{}
		err := client.DefaultClient.Invoke(ctx, wrapperspb.String("chair"), out, client.WithTarget("ip://"+address),
			client.WithProtocol("trpc"), client.WithNetwork("tcp"), client.WithTimeout(3*time.Second),
			client.WithCallerServiceName("trpc.shop.orders.Orders"), client.WithTLS(secured.Cert, secured.Key, secured.CA, secured.Name))
		if err != nil {
			return err
		}
	}
	return nil
}
