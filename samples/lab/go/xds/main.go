// Command xds is a control plane for Envoy: it serves one cluster over the aggregated discovery service, in clear.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	clusters "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "xds:", err)
		os.Exit(1)
	}
}

func serve(address, node string) error {
	known := cache.NewSnapshotCache(true, cache.IDHash{}, nil)
	inventory := &clusters.Cluster{Name: "inventory", ConnectTimeout: durationpb.New(time.Second)}
	snapshot, err := cache.NewSnapshot("1", map[resource.Type][]types.Resource{resource.ClusterType: {inventory}})
	if err != nil {
		return err
	}
	if err := known.SetSnapshot(context.Background(), node, snapshot); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	plane := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(plane, server.NewServer(context.Background(), known, nil))
	return plane.Serve(listener)
}
