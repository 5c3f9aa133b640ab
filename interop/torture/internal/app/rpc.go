package app

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// RPCName is the name of the gRPC service, and Echo, Count and Talk are its methods.
const RPCName = "handover.Torture"

// Message is what all methods take and give.
type Message = wrapperspb.StringValue

// RPC returns a gRPC server with the methods, and the health service of it.
func (s Service) RPC(opts ...grpc.ServerOption) (*grpc.Server, *health.Server) {
	srv, checks := grpc.NewServer(opts...), health.NewServer()
	s.Register(srv)
	healthpb.RegisterHealthServer(srv, checks)
	return srv, checks
}

// Register adds the methods to a server that a library has made.
func (s Service) Register(on grpc.ServiceRegistrar) {
	on.RegisterService(&grpc.ServiceDesc{
		ServiceName: RPCName,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Echo", Handler: echo}},
		Streams: []grpc.StreamDesc{
			{StreamName: "Count", ServerStreams: true, Handler: countTo},
			{StreamName: "Talk", ServerStreams: true, ClientStreams: true, Handler: talk},
		},
	}, s)
}

func echo(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	in := new(Message)
	if err := decode(in); err != nil {
		return nil, err
	}
	answer := func(context.Context, any) (any, error) { return in, nil }
	if intercept == nil {
		return answer(ctx, in)
	}
	return intercept(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + RPCName + "/Echo"}, answer)
}

func countTo(srv any, stream grpc.ServerStream) error {
	if err := stream.RecvMsg(new(Message)); err != nil {
		return err
	}
	srv.(Service).count(stream.Context(), func(message string) error {
		return stream.SendMsg(&Message{Value: message})
	})
	return stream.Context().Err()
}

// talk sends every message back, and returns between two when it is told.
func talk(srv any, stream grpc.ServerStream) error {
	ctx := stream.Context()
	told := srv.(Service).told(ctx)
	messages := make(chan *Message)
	read := func() { // ends with the stream, which gRPC ends when talk returns
		defer close(messages)
		for {
			in := new(Message)
			if stream.RecvMsg(in) != nil {
				return
			}
			select {
			case messages <- in:
			case <-ctx.Done():
				return
			}
		}
	}
	go read()
	for {
		select {
		case in, ok := <-messages:
			if !ok {
				return ctx.Err()
			}
			if err := stream.SendMsg(in); err != nil {
				return err
			}
		case <-told:
			return nil
		}
	}
}
