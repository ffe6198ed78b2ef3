// Command kitex is a service and a client on Kitex: generic calls of a Thrift service, framed or by TTHeader.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/cloudwego/gopkg/bufiox"
	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/client/genericclient"
	"github.com/cloudwego/kitex/pkg/generic"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/remote/trans/gonet"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/server"
	"github.com/cloudwego/kitex/server/genericserver"
	"github.com/cloudwego/kitex/transport"
	"wirelint.example/lab/ends"
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

var secured ends.Flags

// buffered is a connection as Kitex's handler on Go's own network stack wants it.
type buffered struct {
	net.Conn
	reader *bufiox.DefaultReader
	writer *bufiox.DefaultWriter
}

func (b *buffered) Reader() *bufiox.DefaultReader { return b.reader }

func (b *buffered) Writer() *bufiox.DefaultWriter { return b.writer }

func (b *buffered) Read(to []byte) (int, error) { return b.reader.Read(to) }

// overTLS dials by TLS; Kitex's default transport cannot. Kitex asks for a connection six times, of its one instance: once
// refused is refused.
func overTLS(config *tls.Config) remote.Dialer {
	var refused error
	return &remote.SynthesizedDialer{DialFunc: func(network, address string, timeout time.Duration) (net.Conn, error) {
		if refused != nil {
			return nil, refused
		}
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: timeout}, network, address, config)
		if err != nil {
			refused = err
			return nil, err
		}
		return &buffered{conn, bufiox.NewDefaultReader(conn), bufiox.NewDefaultWriter(conn)}, nil
	}}
}

func main() {
	klog.SetLevel(klog.LevelFatal)
	secured.Register(flag.CommandLine)
	if err := flag.CommandLine.Parse(os.Args[4:]); err != nil {
		os.Exit(2)
	}
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
	config, err := secured.Config()
	if err != nil {
		return err
	}
	if what == "serve" {
		listen, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return err
		}
		options := []server.Option{server.WithMetaHandler(transmeta.ServerTTHeaderHandler),
			server.WithServerBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: "inventory"})}
		if config == nil {
			options = append(options, server.WithServiceAddr(listen))
		} else {
			listener, err := tls.Listen("tcp", address, config)
			if err != nil {
				return err
			}
			options = append(options, server.WithListener(listener), server.WithTransServerFactory(gonet.NewTransServerFactory()),
				server.WithTransHandlerFactory(gonet.NewSvrTransHandlerFactory()))
		}
		return genericserver.NewServer(&inventory{}, codec, options...).Run()
	}
	options := []client.Option{client.WithHostPorts(address), client.WithClientBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: "orders"})}
	if config != nil {
		options = append(options, client.WithDialer(overTLS(config)), client.WithTransHandlerFactory(gonet.NewCliTransHandlerFactory()))
	}
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
	for range ends.Calls(2) {
		if _, err := one.GenericCall(context.Background(), "Reserve", `{"name":"chair"}`); err != nil {
			return err
		}
	}
	return nil
}
