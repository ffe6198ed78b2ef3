module wirelint.example/lab/rpc

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	google.golang.org/protobuf v1.36.11
)

require (
	github.com/pkg/errors v0.9.1 // indirect
	github.com/twitchtv/twirp v8.1.3+incompatible
	wirelint.example/lab/ends v0.0.0
)

replace wirelint.example/lab/ends => ../ends
