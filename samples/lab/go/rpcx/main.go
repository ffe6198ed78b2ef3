// Command rpcx is a service and a client on rpcx.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/smallnest/rpcx/client"
	"github.com/smallnest/rpcx/log"
	"github.com/smallnest/rpcx/protocol"
	"github.com/smallnest/rpcx/server"
	"github.com/smallnest/rpcx/share"
	"wirelint.example/lab/ends"
)

var (
	listen  = flag.String("listen", "", "address and port of the service")
	token   = flag.String("token", "", "token that the service wants, or that the client sends")
	secured ends.Flags
)

type Item struct{ Name string }

type Inventory struct{}

func (Inventory) Reserve(_ context.Context, in *Item, out *Item) error {
	out.Name = "reserved " + in.Name
	return nil
}

func main() {
	what := os.Args[1]
	secured.Register(flag.CommandLine)
	err := flag.CommandLine.Parse(os.Args[2:])
	log.SetDummyLogger()
	if err == nil {
		err = map[string]func() error{"serve": serve, "call": call}[what]()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rpcx:", err)
		os.Exit(1)
	}
}

func serve() error {
	config, err := secured.Config()
	if err != nil {
		return err
	}
	var options []server.OptionFn
	if config != nil {
		options = append(options, server.WithTLSConfig(config))
	}
	one := server.NewServer(options...)
	if *token != "" {
		one.AuthFunc = func(_ context.Context, _ *protocol.Message, given string) error {
			if given != *token {
				return errors.New("token refused")
			}
			return nil
		}
	}
	if err := one.RegisterName("Inventory", Inventory{}, ""); err != nil {
		return err
	}
	return one.Serve("tcp", *listen)
}

func call() error {
	config, err := secured.Config()
	if err != nil {
		return err
	}
	option := client.DefaultOption
	option.TLSConfig = config
	option.Heartbeat = false
	discovery, err := client.NewPeer2PeerDiscovery("tcp@"+*listen, "")
	if err != nil {
		return err
	}
	one := client.NewXClient("Inventory", client.Failfast, client.RandomSelect, discovery, option)
	defer one.Close()
	if *token != "" {
		one.Auth(*token)
	}
	ctx := context.WithValue(context.Background(), share.ReqMetaDataKey, map[string]string{"caller": "orders"})
	for range ends.Calls(2) {
		var out Item
		if err := one.Call(ctx, "Reserve", &Item{"chair"}, &out); err != nil {
			return err
		}
	}
	return nil
}
