// Command rpc is a service and a client on net/rpc (gob over TCP, gob over HTTP, JSON), on Connect and on Twirp.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"

	"connectrpc.com/connect"
	"github.com/twitchtv/twirp"
	"github.com/twitchtv/twirp/example"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type Item struct{ Name string }

type Inventory struct{}

func (Inventory) Reserve(in Item, out *Item) error {
	if in.Name == "unicorn" {
		return fmt.Errorf("no item called %s", in.Name)
	}
	out.Name = "reserved " + in.Name
	return nil
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "rpc:", err)
		os.Exit(1)
	}
}

func run(what, how, address string) error {
	if how == "connect" {
		if what == "serve" {
			return serveConnect(address)
		}
		return callConnect(address)
	}
	if how == "twirp" {
		if what == "serve" {
			return http.ListenAndServe(address, example.NewHaberdasherServer(hatter{}))
		}
		return callTwirp(address)
	}
	if what == "serve" {
		return serve(how, address)
	}
	return call(how, address)
}

func serve(how, address string) error {
	if err := rpc.Register(Inventory{}); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if how == "http" {
		rpc.HandleHTTP()
		return http.Serve(listener, nil)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		if how == "json" {
			go jsonrpc.ServeConn(conn)
		} else {
			go rpc.ServeConn(conn)
		}
	}
}

func call(how, address string) error {
	dial := map[string]func(string, string) (*rpc.Client, error){"gob": rpc.Dial, "http": rpc.DialHTTP, "json": jsonrpc.Dial}[how]
	client, err := dial("tcp", address)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, name := range []string{"chair", "table"} {
		var out Item
		if err := client.Call("Inventory.Reserve", Item{name}, &out); err != nil {
			return err
		}
	}
	_ = client.Call("Inventory.Reserve", Item{"unicorn"}, &Item{})
	return nil
}

const procedure = "/shop.v1.Inventory/Reserve"

func serveConnect(address string) error {
	mux := http.NewServeMux()
	mux.Handle(procedure, connect.NewUnaryHandler(procedure,
		func(_ context.Context, in *connect.Request[wrapperspb.StringValue]) (*connect.Response[wrapperspb.StringValue], error) {
			return connect.NewResponse(wrapperspb.String("reserved " + in.Msg.Value)), nil
		}))
	return http.ListenAndServe(address, mux)
}

func callConnect(address string) error {
	for _, options := range [][]connect.ClientOption{nil, {connect.WithProtoJSON()}, {connect.WithGRPCWeb()}} {
		client := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](&http.Client{Transport: &http.Transport{}}, "http://"+address+procedure, options...)
		for range 2 {
			if _, err := client.CallUnary(context.Background(), connect.NewRequest(wrapperspb.String("chair"))); err != nil {
				return err
			}
		}
	}
	return nil
}

// hatter is the service of Twirp's own example, whose code is generated.
type hatter struct{}

func (hatter) MakeHat(_ context.Context, size *example.Size) (*example.Hat, error) {
	if size.Inches <= 0 {
		return nil, twirp.InvalidArgumentError("inches", "no such head")
	}
	return &example.Hat{Size: size.Inches, Color: "green", Name: "bowler"}, nil
}

func callTwirp(address string) error {
	plain := &http.Client{Transport: &http.Transport{}}
	for _, client := range []example.Haberdasher{
		example.NewHaberdasherProtobufClient("http://"+address, plain), example.NewHaberdasherJSONClient("http://"+address, plain),
	} {
		if _, err := client.MakeHat(context.Background(), &example.Size{Inches: 12}); err != nil {
			return err
		}
	}
	_, _ = example.NewHaberdasherProtobufClient("http://"+address, plain).MakeHat(context.Background(), &example.Size{})
	return nil
}
