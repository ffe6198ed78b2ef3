// Command gozero is a service and a client on go-zero: zrpc and rest, as its users configure them.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/zeromicro/go-zero/core/discov"
	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/core/service"
	"github.com/zeromicro/go-zero/core/stores/redis"
	"github.com/zeromicro/go-zero/rest"
	"github.com/zeromicro/go-zero/rest/httpx"
	"github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"wirelint.example/lab/ends"
)

var (
	listen    = flag.String("listen", "", "address and port of the service")
	etcd      = flag.String("etcd", "", "etcd to register with or to ask")
	etcdUser  = flag.String("etcd-user", "", "user of etcd")
	etcdPass  = flag.String("etcd-pass", "", "password of etcd")
	etcdCert  = flag.String("etcd-cert", "", "certificate to show etcd")
	etcdKey   = flag.String("etcd-cert-key", "", "its key")
	etcdCA    = flag.String("etcd-ca", "", "authorities to trust for etcd")
	key       = flag.String("key", "inventory.rpc", "key of the service in etcd")
	store     = flag.String("redis", "", "Redis with the tokens of apps")
	redisTLS  = flag.Bool("redis-tls", false, "Redis over TLS")
	strict    = flag.Bool("strict", false, "StrictControl")
	app       = flag.String("app", "", "name of the calling app")
	token     = flag.String("token", "", "its token")
	jwtSecret = flag.String("jwt", "", "secret of the tokens that rest asks for")
	signer    = flag.String("signer", "", "key of the signatures that rest asks for")
	times     = flag.Int("times", 2, "calls")
	secured   ends.Flags
)

func main() {
	what := os.Args[1]
	secured.Register(flag.CommandLine)
	if err := flag.CommandLine.Parse(os.Args[2:]); err != nil {
		fail(err)
	}
	logx.Disable()
	commands := map[string]func() error{"zrpc-serve": zrpcServe, "zrpc-call": zrpcCall, "rest-serve": restServe}
	if err := commands[what](); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gozero:", err)
	os.Exit(1)
}

func registry() discov.EtcdConf {
	if *etcd == "" {
		return discov.EtcdConf{}
	}
	return discov.EtcdConf{
		Hosts: []string{*etcd}, Key: *key, User: *etcdUser, Pass: *etcdPass, CertFile: *etcdCert, CertKeyFile: *etcdKey, CACertFile: *etcdCA,
	}
}

var inventory = grpc.ServiceDesc{
	ServiceName: "shop.Inventory",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Reserve", Handler: func(_ any, ctx context.Context, decode func(any) error,
		intercept grpc.UnaryServerInterceptor) (any, error) {
		var in wrapperspb.StringValue
		if err := decode(&in); err != nil {
			return nil, err
		}
		answer := func(context.Context, any) (any, error) { return wrapperspb.String("reserved " + in.Value), nil }
		return intercept(ctx, &in, &grpc.UnaryServerInfo{FullMethod: "/shop.Inventory/Reserve"}, answer)
	}}},
}

func zrpcServe() error {
	conf := zrpc.RpcServerConf{
		ServiceConf: service.ServiceConf{Name: "inventory.rpc", Mode: service.ProMode},
		ListenOn:    *listen, Etcd: registry(), Timeout: 2000, Health: true, StrictControl: *strict,
		Middlewares: zrpc.ServerMiddlewaresConf{Recover: true},
	}
	if *store != "" {
		conf.Auth = true
		conf.Redis = redis.RedisKeyConf{
			RedisConf: redis.RedisConf{Host: *store, Type: "node", Tls: *redisTLS, NonBlock: true}, Key: "rpc.tokens",
		}
	}
	server, err := zrpc.NewServer(conf, func(server *grpc.Server) { server.RegisterService(&inventory, nil) })
	if err != nil {
		return err
	}
	if secured.Cert != "" {
		config, err := secured.Config()
		if err != nil {
			return err
		}
		server.AddOptions(grpc.Creds(credentials.NewTLS(config)))
	}
	server.Start()
	return nil
}

func zrpcCall() error {
	conf := zrpc.RpcClientConf{App: *app, Token: *token, Timeout: 5000, NonBlock: true, Etcd: registry()}
	if *etcd == "" {
		conf.Endpoints = []string{*listen}
	}
	var options []zrpc.ClientOption
	if secured.CA != "" {
		config, err := secured.Config()
		if err != nil {
			return err
		}
		options = append(options, zrpc.WithTransportCredentials(credentials.NewTLS(config)))
	}
	client, err := zrpc.NewClient(conf, options...)
	if err != nil {
		return err
	}
	defer client.Conn().Close()
	for range ends.Calls(*times) {
		var out wrapperspb.StringValue
		if err := client.Conn().Invoke(context.Background(), "/shop.Inventory/Reserve", wrapperspb.String("chair"), &out); err != nil {
			return err
		}
	}
	return nil
}

func restServe() error {
	host, port := "", 0
	if _, err := fmt.Sscanf(*listen, "%s", &host); err != nil {
		return err
	}
	for at := len(host) - 1; at > 0; at-- {
		if host[at] == ':' {
			fmt.Sscanf(host[at+1:], "%d", &port)
			host = host[:at]
			break
		}
	}
	conf := rest.RestConf{
		ServiceConf: service.ServiceConf{Name: "orders.api", Mode: service.ProMode}, Host: host, Port: port,
		CertFile: secured.Cert, KeyFile: secured.Key, Timeout: 3000, MaxConns: 100, MaxBytes: 1 << 20,
	}
	var options []rest.RunOption
	if secured.CA != "" {
		config, err := secured.Config()
		if err != nil {
			return err
		}
		options = append(options, rest.WithTLSConfig(config))
	}
	server, err := rest.NewServer(conf, options...)
	if err != nil {
		return err
	}
	var more []rest.RouteOption
	if *jwtSecret != "" {
		more = append(more, rest.WithJwt(*jwtSecret))
	}
	if *signer != "" {
		more = append(more, rest.WithSignature(rest.SignatureConf{
			Strict: true, Expiry: time.Hour, PrivateKeys: []rest.PrivateKeyConf{{Fingerprint: "lab", KeyFile: *signer}},
		}))
	}
	server.AddRoutes([]rest.Route{{Method: http.MethodGet, Path: "/orders/:id", Handler: func(w http.ResponseWriter, r *http.Request) {
		httpx.OkJson(w, map[string]any{"path": r.URL.Path, "at": time.Now().Year()})
	}}}, more...)
	server.Start()
	return nil
}
