// Command kratos is a service and a client on Kratos, by gRPC and by HTTP.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	nethttp "net/http"
	"os"

	"github.com/go-kratos/kratos/v2"
	"github.com/go-kratos/kratos/v2/log"
	"github.com/go-kratos/kratos/v2/metadata"
	mdmw "github.com/go-kratos/kratos/v2/middleware/metadata"
	"github.com/go-kratos/kratos/v2/transport/grpc"
	"github.com/go-kratos/kratos/v2/transport/http"
	stdgrpc "google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"wirelint.example/lab/ends"
)

var (
	grpcAt  = flag.String("grpc", "", "address and port for gRPC")
	httpAt  = flag.String("http", "", "address and port for HTTP")
	secured ends.Flags
)

func main() {
	what := os.Args[1]
	secured.Register(flag.CommandLine)
	err := flag.CommandLine.Parse(os.Args[2:])
	log.SetLogger(log.NewFilter(log.DefaultLogger, log.FilterLevel(log.LevelError)))
	if err == nil {
		err = map[string]func() error{"serve": serve, "call": call}[what]()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kratos:", err)
		os.Exit(1)
	}
}

var inventory = stdgrpc.ServiceDesc{
	ServiceName: "shop.v1.Inventory",
	HandlerType: (*any)(nil),
	Methods: []stdgrpc.MethodDesc{{MethodName: "Reserve", Handler: func(_ any, ctx context.Context, decode func(any) error,
		intercept stdgrpc.UnaryServerInterceptor) (any, error) {
		var in wrapperspb.StringValue
		if err := decode(&in); err != nil {
			return nil, err
		}
		answer := func(context.Context, any) (any, error) { return wrapperspb.String("reserved " + in.Value), nil }
		return intercept(ctx, &in, &stdgrpc.UnaryServerInfo{FullMethod: "/shop.v1.Inventory/Reserve"}, answer)
	}}},
}

func serve() error {
	config, err := secured.Config()
	if err != nil {
		return err
	}
	forGRPC := []grpc.ServerOption{grpc.Address(*grpcAt), grpc.Middleware(mdmw.Server())}
	forHTTP := []http.ServerOption{http.Address(*httpAt)}
	if config != nil {
		forGRPC, forHTTP = append(forGRPC, grpc.TLSConfig(config)), append(forHTTP, http.TLSConfig(config))
	}
	byGRPC, byHTTP := grpc.NewServer(forGRPC...), http.NewServer(forHTTP...)
	byGRPC.RegisterService(&inventory, nil)
	byHTTP.Route("/").GET("/orders/{id}", func(ctx http.Context) error {
		return ctx.JSON(nethttp.StatusOK, map[string]string{"id": ctx.Vars().Get("id")})
	})
	return kratos.New(kratos.Name("inventory"), kratos.Server(byGRPC, byHTTP)).Run()
}

func call() error {
	ctx := metadata.AppendToClientContext(context.Background(), "x-md-global-tenant", "shop", "x-md-service-name", "orders")
	config, err := secured.Config()
	if err != nil {
		return err
	}
	if *grpcAt != "" {
		if err := callGRPC(ctx, config); err != nil || *httpAt == "" {
			return err
		}
	}
	options := []http.ClientOption{http.WithEndpoint(*httpAt)}
	if config != nil {
		options = append(options, http.WithTLSConfig(config))
	}
	client, err := http.NewClient(ctx, options...)
	if err != nil {
		return err
	}
	defer client.Close()
	var out map[string]string
	return client.Invoke(ctx, nethttp.MethodGet, "/orders/7", nil, &out)
}

func callGRPC(ctx context.Context, config *tls.Config) error {
	dial := grpc.DialInsecure
	options := []grpc.ClientOption{grpc.WithEndpoint(*grpcAt), grpc.WithMiddleware(mdmw.Client())}
	if config != nil {
		dial, options = grpc.Dial, append(options, grpc.WithTLSConfig(config))
	}
	conn, err := dial(ctx, options...)
	if err != nil {
		return err
	}
	defer conn.Close()
	for range ends.Calls(2) {
		var out wrapperspb.StringValue
		if err := conn.Invoke(ctx, "/shop.v1.Inventory/Reserve", wrapperspb.String("chair"), &out); err != nil {
			return err
		}
	}
	return nil
}
