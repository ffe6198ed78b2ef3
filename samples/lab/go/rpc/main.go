// Command rpc is a service and a client on net/rpc (gob over TCP, gob over HTTP, JSON), on Connect and on Twirp.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
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
	"wirelint.example/lab/ends"
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

var secured ends.Flags

func main() {
	secured.Register(flag.CommandLine)
	if err := flag.CommandLine.Parse(os.Args[4:]); err != nil {
		os.Exit(2)
	}
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
			return serveHTTP(address, example.NewHaberdasherServer(hatter{}))
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
	listener, err := listen(address)
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
	config, err := secured.Config()
	if err != nil {
		return err
	}
	if config != nil {
		return callOverTLS(address, config)
	}
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

// callOverTLS speaks gob by a connection that is TLS already: net/rpc knows nothing of it.
func callOverTLS(address string, config *tls.Config) error {
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	client := rpc.NewClient(conn)
	defer client.Close()
	return client.Call("Inventory.Reserve", Item{"chair"}, &Item{})
}

func listen(address string) (net.Listener, error) {
	config, err := secured.Config()
	if err != nil || config == nil {
		listener, failed := net.Listen("tcp", address)
		return listener, errors.Join(err, failed)
	}
	return tls.Listen("tcp", address, config)
}

func serveHTTP(address string, handler http.Handler) error {
	config, err := secured.Config()
	if err != nil {
		return err
	}
	server := &http.Server{Addr: address, Handler: handler, TLSConfig: config}
	if config != nil {
		return server.ListenAndServeTLS("", "")
	}
	return server.ListenAndServe()
}

// by gives an HTTP client and the beginning of the URL that it is to use.
func by(address string) (*http.Client, string, error) {
	config, err := secured.Config()
	if config != nil {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}, "https://" + address, err
	}
	return &http.Client{Transport: &http.Transport{}}, "http://" + address, err
}

const procedure = "/shop.v1.Inventory/Reserve"

func serveConnect(address string) error {
	mux := http.NewServeMux()
	mux.Handle(procedure, connect.NewUnaryHandler(procedure,
		func(_ context.Context, in *connect.Request[wrapperspb.StringValue]) (*connect.Response[wrapperspb.StringValue], error) {
			return connect.NewResponse(wrapperspb.String("reserved " + in.Msg.Value)), nil
		}))
	return serveHTTP(address, mux)
}

func callConnect(address string) error {
	kinds := [][]connect.ClientOption{nil, {connect.WithProtoJSON()}, {connect.WithGRPCWeb()}}
	if secured.CA != "" {
		kinds = kinds[:1]
	}
	for _, options := range kinds {
		plain, url, err := by(address)
		if err != nil {
			return err
		}
		client := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](plain, url+procedure, options...)
		for range ends.Calls(2) {
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
	plain, url, err := by(address)
	if err != nil {
		return err
	}
	clients := []example.Haberdasher{example.NewHaberdasherProtobufClient(url, plain), example.NewHaberdasherJSONClient(url, plain)}
	calls := ends.Calls(3)
	for _, client := range clients[:min(calls, len(clients))] {
		if _, err := client.MakeHat(context.Background(), &example.Size{Inches: 12}); err != nil {
			return err
		}
	}
	if calls <= len(clients) {
		return nil
	}
	_, _ = example.NewHaberdasherProtobufClient(url, plain).MakeHat(context.Background(), &example.Size{})
	return nil
}
