// Command dubbogo is a service and a client on dubbo-go, by the Dubbo protocol and without generated code.
package main

import (
	"context"
	"fmt"
	"os"

	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/config"
	_ "dubbo.apache.org/dubbo-go/v3/imports"
)

type Inventory struct{}

func (*Inventory) Reserve(_ context.Context, item string) (string, error) {
	return "reserved " + item, nil
}

func main() {
	run := map[string]func(string, string) error{"serve": serve, "call": call}[os.Args[1]]
	if err := run(os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "dubbogo:", err)
		os.Exit(1)
	}
}

func serve(host, port string) error {
	config.SetProviderService(&Inventory{})
	way := config.NewProtocolConfigBuilder().SetName("dubbo").SetIp(host).SetPort(port).Build()
	service := config.NewServiceConfigBuilder().SetInterface("shop.Inventory").SetProtocolIDs("way").SetNotRegister(true).Build()
	root := config.NewRootConfigBuilder().AddProtocol("way", way).
		SetProvider(config.NewProviderConfigBuilder().AddService("Inventory", service).Build()).Build()
	if err := config.Load(config.WithRootConfig(root)); err != nil {
		return err
	}
	select {}
}

func call(host, port string) error {
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
