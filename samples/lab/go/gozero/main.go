// Command gozero is a service and a client on go-zero: zrpc and rest, as its users configure them.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
)

var (
	listen    = flag.String("listen", "", "address and port of the service")
	etcd      = flag.String("etcd", "", "etcd to register with or to ask")
	etcdUser  = flag.String("etcd-user", "", "user of etcd")
	etcdPass  = flag.String("etcd-pass", "", "password of etcd")
	key       = flag.String("key", "inventory.rpc", "key of the service in etcd")
	store     = flag.String("redis", "", "Redis with the tokens of apps")
	redisTLS  = flag.Bool("redis-tls", false, "Redis over TLS")
	strict    = flag.Bool("strict", false, "StrictControl")
	app       = flag.String("app", "", "name of the calling app")
	token     = flag.String("token", "", "its token")
	cert      = flag.String("cert", "", "certificate of this end")
	certKey   = flag.String("cert-key", "", "its key")
	ca        = flag.String("ca", "", "authorities")
	name      = flag.String("name", "", "name of the server")
	highest   = flag.String("max", "1.3", "highest TLS version")
	jwtSecret = flag.String("jwt", "", "secret of the tokens that rest asks for")
	signer    = flag.String("signer", "", "key of the signatures that rest asks for")
	times     = flag.Int("times", 2, "calls")
)

func main() {
	what := os.Args[1]
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
	return discov.EtcdConf{Hosts: []string{*etcd}, Key: *key, User: *etcdUser, Pass: *etcdPass}
}

func security() (*tls.Config, error) {
	config := &tls.Config{ServerName: *name, MaxVersion: map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[*highest]}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *certKey)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		config.RootCAs, config.ClientCAs, config.ClientAuth = pool, pool, tls.RequireAndVerifyClientCert
	}
	return config, nil
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
	if *cert != "" {
		config, err := security()
		if err != nil {
			return err
		}
		server.AddOptions(grpc.Creds(credentials.NewTLS(config)))
	}
	server.Start()
	return nil
}

func zrpcCall() error {
	conf := zrpc.RpcClientConf{App: *app, Token: *token, Timeout: 5000, Etcd: registry()}
	if *etcd == "" {
		conf.Endpoints = []string{*listen}
	}
	var options []zrpc.ClientOption
	if *ca != "" {
		config, err := security()
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
	for range *times {
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
		CertFile: *cert, KeyFile: *certKey, Timeout: 3000, MaxConns: 100, MaxBytes: 1 << 20,
	}
	var options []rest.RunOption
	if *ca != "" {
		config, err := security()
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
