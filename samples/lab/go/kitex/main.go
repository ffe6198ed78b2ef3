// Command kitex is a service and a client on Kitex: generic calls of a Thrift service, framed or by TTHeader.
package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/client/genericclient"
	"github.com/cloudwego/kitex/pkg/generic"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/server"
	"github.com/cloudwego/kitex/server/genericserver"
	"github.com/cloudwego/kitex/transport"
)

const idl = `
namespace go shop
struct Item { 1: string name }
service Inventory { Item Reserve(1: Item item) }
`

type inventory struct{}

func (*inventory) GenericCall(_ context.Context, _ string, request any) (any, error) {
	return request, nil
}

func main() {
	klog.SetLevel(klog.LevelFatal)
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "kitex:", err)
		os.Exit(1)
	}
}

func run(what, how, address string) error {
	provider, err := generic.NewThriftContentProvider(idl, nil)
	if err != nil {
		return err
	}
	codec, err := generic.JSONThriftGeneric(provider)
	if err != nil {
		return err
	}
	if what == "serve" {
		listen, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return err
		}
		return genericserver.NewServer(&inventory{}, codec, server.WithServiceAddr(listen),
			server.WithMetaHandler(transmeta.ServerTTHeaderHandler),
			server.WithServerBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: "inventory"})).Run()
	}
	options := []client.Option{client.WithHostPorts(address), client.WithClientBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: "orders"})}
	switch how {
	case "ttheader":
		options = append(options, client.WithTransportProtocol(transport.TTHeader), client.WithMetaHandler(transmeta.ClientTTHeaderHandler))
	case "framed":
		options = append(options, client.WithTransportProtocol(transport.Framed))
	}
	one, err := genericclient.NewClient("inventory", codec, options...)
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := one.GenericCall(context.Background(), "Reserve", `{"name":"chair"}`); err != nil {
			return err
		}
	}
	return nil
}
