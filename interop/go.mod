module github.com/handover-go/handover/interop

go 1.26.0

replace github.com/handover-go/handover => ../

require (
	github.com/coder/websocket v1.8.15
	github.com/diegoholiveira/jsonlogic/v3 v3.9.1
	github.com/handover-go/handover v0.0.0-00010101000000-000000000000
	github.com/open-feature/flagd-schemas v0.2.13
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.2
	github.com/stretchr/testify v1.10.0
	go.uber.org/goleak v1.3.0
	golang.org/x/net v0.62.0
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/twmb/murmur3 v1.1.8 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
)
