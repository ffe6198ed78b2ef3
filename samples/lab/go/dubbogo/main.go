// Command dubbogo is a service and a client on dubbo-go, by the Dubbo protocol and without generated code.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/config"
	_ "dubbo.apache.org/dubbo-go/v3/imports"
	"wirelint.example/lab/ends"
)

type Inventory struct{}

func (*Inventory) Reserve(_ context.Context, item string) (string, error) {
	return "reserved " + item, nil
}

var secured ends.Flags

// files are the settings of dubbo-go itself, which has no others: it always wants a certificate of both ends.
func files() *config.TLSConfig {
	if secured.Cert == "" {
		return nil
	}
	return &config.TLSConfig{CACertFile: secured.CA, TLSCertFile: secured.Cert, TLSKeyFile: secured.Key, TLSServerName: secured.Name}
}

func main() {
	secured.Register(flag.CommandLine)
	if err := flag.CommandLine.Parse(os.Args[4:]); err != nil {
		os.Exit(2)
	}
	run := map[string]func(string, string) error{"serve": serve, "call": call}[os.Args[1]]
	if err := run(os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "dubbogo:", err)
		os.Exit(1)
	}
}

func serve(host, port string) error {
	config.SetProviderService(&Inventory{})
	way := config.NewProtocolConfigBuilder().SetName("dubbo").SetIp(host).SetPort(port).Build()
	service := config.NewServiceConfigBuilder().SetInterface("shop.Inventory").SetProtocolIDs("dubbo").SetNotRegister(true).Build()
	root := config.NewRootConfigBuilder().AddProtocol("dubbo", way).
		SetProvider(config.NewProviderConfigBuilder().AddService("Inventory", service).Build()).SetTLSConfig(files()).Build()
	if err := config.Load(config.WithRootConfig(root)); err != nil {
		return err
	}
	select {}
}

func call(host, port string) error {
	if secured.Cert != "" {
		root := config.GetRootConfig()
		root.TLSConfig, root.Protocols = files(), map[string]*config.ProtocolConfig{"dubbo": config.NewProtocolConfigBuilder().SetName("dubbo").Build()}
	}
	one, err := client.NewClient(client.WithClientProtocolDubbo(), client.WithClientSerialization(constant.Hessian2Serialization))
	if err != nil {
		return err
	}
	service, err := one.Dial("shop.Inventory", client.WithURL("dubbo://"+host+":"+port))
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
