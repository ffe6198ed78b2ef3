package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The services are described by hand, over well-known message types, so that no code generator is needed.
var inventory = grpc.ServiceDesc{
	ServiceName: "shop.v1.Inventory",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		unary("Reserve", func(item string) (string, error) { return "reserved " + item, nil }),
		unary("Lookup", func(item string) (string, error) {
			return "", status.Errorf(codes.NotFound, "no item called %s", item)
		}),
	},
	Streams: []grpc.StreamDesc{{StreamName: "Watch", ServerStreams: true, Handler: watch}},
}

var payments = grpc.ServiceDesc{
	ServiceName: "shop.v1.Payments",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		unary("Charge", func(order string) (string, error) { return "charged " + order, nil }),
	},
}

func unary(name string, answer func(string) (string, error)) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, decode func(any) error,
		_ grpc.UnaryServerInterceptor) (any, error) {
		if err := gate(ctx, name); err != nil {
			return nil, err
		}
		var in wrapperspb.StringValue
		if err := decode(&in); err != nil {
			return nil, err
		}
		text, err := answer(in.Value)
		if err != nil {
			return nil, err
		}
		return wrapperspb.String(text), nil
	}}
}

// gate says whether a call may go on.
var gate = func(context.Context, string) error { return nil }

func admit(ctx context.Context, method, demand, refuse string) error {
	given, _ := metadata.FromIncomingContext(ctx)
	if demand != "" && method != "Reserve" && len(given.Get(demand)) == 0 {
		return status.Error(codes.Unauthenticated, "no "+demand)
	}
	for _, value := range given.Get("authorization") {
		if refuse != "" && value == "Bearer "+refuse {
			return status.Error(codes.Unauthenticated, "token refused")
		}
	}
	return nil
}

func watch(_ any, stream grpc.ServerStream) error {
	var in wrapperspb.StringValue
	if err := stream.RecvMsg(&in); err != nil {
		return err
	}
	for i := range 5 {
		if err := stream.SendMsg(wrapperspb.String(fmt.Sprintf("%s: %d left", in.Value, 40-i))); err != nil {
			return err
		}
	}
	return nil
}

func serveGRPC(args []string) error {
	set := flag.NewFlagSet("serve-grpc", flag.ExitOnError)
	listen := set.String("listen", "", "address and port")
	checks := set.Bool("health", false, "answer health checks")
	reflects := set.Bool("reflection", false, "answer reflection")
	demand := set.String("demand", "", "refuse calls whose metadata has no such key, but for Reserve")
	refuse := set.String("refuse", "", "refuse calls with this bearer token")
	var f tlsFlags
	f.register(set)
	if err := set.Parse(args); err != nil {
		return err
	}
	var options []grpc.ServerOption
	if *demand != "" || *refuse != "" {
		gate = func(ctx context.Context, method string) error { return admit(ctx, method, *demand, *refuse) }
	}
	if f.cert != "" {
		config, err := f.config()
		if err != nil {
			return err
		}
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	server := grpc.NewServer(options...)
	server.RegisterService(&inventory, nil)
	server.RegisterService(&payments, nil)
	if *checks {
		state := health.NewServer()
		state.SetServingStatus("shop.v1.Inventory", healthpb.HealthCheckResponse_SERVING)
		healthpb.RegisterHealthServer(server, state)
	}
	if *reflects {
		reflection.Register(server)
	}
	return server.Serve(listener)
}

// callGRPC makes, per connection: -rounds times Reserve and Charge, then one Lookup (NOT_FOUND) and one Watch.
func callGRPC(args []string) error {
	set := flag.NewFlagSet("call-grpc", flag.ExitOnError)
	connections := set.Int("connections", 1, "how many connections, one after the other")
	rounds := set.Int("rounds", 3, "how many rounds of calls")
	token := set.String("token", "", "bearer token to send with Charge")
	clear := set.Bool("plaintext", false, "no TLS")
	brief := set.Bool("brief", false, "one round, and nothing after it")
	pause := set.Duration("pause", 0, "pause between rounds")
	var f tlsFlags
	f.register(set)
	if err := set.Parse(args); err != nil {
		return err
	}
	creds := insecure.NewCredentials()
	if !*clear {
		config, err := f.config()
		if err != nil {
			return err
		}
		creds = credentials.NewTLS(config)
	}
	if *brief {
		*rounds = 1
	}
	for range *connections {
		if err := callOver(set.Arg(0), creds, *rounds, *token, *pause, *brief); err != nil {
			return err
		}
	}
	return nil
}

func callOver(target string, creds credentials.TransportCredentials, rounds int, token string, pause time.Duration, brief bool) error {
	conn, err := grpc.NewClient("passthrough:///"+target, grpc.WithTransportCredentials(creds))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	authorised := ctx
	if token != "" {
		authorised = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	var out wrapperspb.StringValue
	for round := range rounds {
		if err := conn.Invoke(ctx, "/shop.v1.Inventory/Reserve", wrapperspb.String("chair"), &out); err != nil {
			return err
		}
		if os.Getenv("LAB_CALLS") == "1" {
			continue
		}
		order := wrapperspb.String(fmt.Sprintf("order-%d", round))
		if err := conn.Invoke(authorised, "/shop.v1.Payments/Charge", order, &out); err != nil {
			return err
		}
		time.Sleep(pause)
	}
	if brief {
		return nil
	}
	if err := conn.Invoke(ctx, "/shop.v1.Inventory/Lookup", wrapperspb.String("unicorn"), &out); status.Code(err) != codes.NotFound {
		return fmt.Errorf("lookup: %v", err)
	}
	stream, err := conn.NewStream(ctx, &inventory.Streams[0], "/shop.v1.Inventory/Watch")
	if err != nil {
		return err
	}
	if err := stream.SendMsg(wrapperspb.String("table")); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		if err := stream.RecvMsg(&out); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
