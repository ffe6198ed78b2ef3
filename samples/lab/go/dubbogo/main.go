// Command dubbogo is a service and a client on dubbo-go: its own protocol, and Triple, both without generated code.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	_ "dubbo.apache.org/dubbo-go/v3/imports"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/server"
)

type Inventory struct{}

func (*Inventory) Reserve(_ context.Context, item string) (string, error) {
	return "reserved " + item, nil
}

func main() {
	run := map[string]func(string, string, string) error{"serve": serve, "call": call}[os.Args[1]]
	if err := run(os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "dubbogo:", err)
		os.Exit(1)
	}
}

func serve(kind, host, port string) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	options := []protocol.Option{protocol.WithIp(host), protocol.WithPort(number)}
	if kind == "tri" {
		options = append(options, protocol.WithTriple())
	} else {
		options = append(options, protocol.WithDubbo())
	}
	one, err := server.NewServer(server.WithServerProtocol(options...))
	if err != nil {
		return err
	}
	if err := one.Register(&Inventory{}, nil, server.WithInterface("shop.Inventory"), server.WithNotRegister()); err != nil {
		return err
	}
	return one.Serve()
}

func call(kind, host, port string) error {
	way := client.WithClientProtocolDubbo()
	if kind == "tri" {
		way = client.WithClientProtocolTriple()
	}
	one, err := client.NewClient(way, client.WithClientSerialization(constant.Hessian2Serialization))
	if err != nil {
		return err
	}
	service, err := one.Dial("shop.Inventory", client.WithURL(kind+"://"+host+":"+port))
	if err != nil {
		return err
	}
	for range 2 {
		var out string
		if err := service.CallUnary(context.Background(), []any{"chair"}, &out, "Reserve"); err != nil {
			return err
		}
	}
	return nil
}
