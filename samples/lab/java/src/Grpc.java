import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A gRPC peer on grpc-java. Arguments: serve or call, address, port, then key=value: ca, cert, key, name, auth, version, tls (jdk). */
public final class Grpc {
    private static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    };

    private static MethodDescriptor<byte[], byte[]> method(String service, String name) {
        return MethodDescriptor.newBuilder(BYTES, BYTES).setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(service, name)).build();
    }

    private static final MethodDescriptor<byte[], byte[]> RESERVE = method("shop.v1.Inventory", "Reserve");
    private static final MethodDescriptor<byte[], byte[]> CHARGE = method("shop.v1.Payments", "Charge");

    public static void main(String[] args) throws Exception {
        Map<String, String> words = new HashMap<>();
        for (int i = 3; i < args.length; i++) {
            String[] word = args[i].split("=", 2);
            words.put(word[0], word[1]);
        }
        InetSocketAddress address = new InetSocketAddress(args[1], Integer.parseInt(args[2]));
        if (args[0].equals("serve")) {
            serve(address, words);
        } else {
            call(address, words);
        }
    }

    private static void serve(InetSocketAddress address, Map<String, String> words) throws Exception {
        NettyServerBuilder server = NettyServerBuilder.forAddress(address);
        if (words.containsKey("cert")) {
            SslContextBuilder tls = SslContextBuilder.forServer(new File(words.get("cert")), new File(words.get("key")));
            if (words.containsKey("ca")) {
                String auth = words.getOrDefault("auth", "require");
                tls.trustManager(new File(words.get("ca"))).clientAuth(ClientAuth.valueOf(auth.toUpperCase()));
            }
            server.sslContext(limited(GrpcSslContexts.configure(tls, provider(words)), words).build());
        }
        for (MethodDescriptor<byte[], byte[]> one : new MethodDescriptor[] {RESERVE, CHARGE}) {
            server.addService(ServerServiceDefinition.builder(one.getServiceName())
                .addMethod(one, ServerCalls.<byte[], byte[]>asyncUnaryCall((request, answer) -> {
                    answer.onNext(request);
                    answer.onCompleted();
                })).build());
        }
        server.build().start().awaitTermination();
    }

    private static void call(InetSocketAddress address, Map<String, String> words) throws Exception {
        NettyChannelBuilder channel = NettyChannelBuilder.forAddress(address);
        if (words.containsKey("ca")) {
            SslContextBuilder tls = SslContextBuilder.forClient().trustManager(new File(words.get("ca")));
            if (words.containsKey("cert")) {
                tls.keyManager(new File(words.get("cert")), new File(words.get("key")));
            }
            channel.sslContext(limited(GrpcSslContexts.configure(tls, provider(words)), words).build()).overrideAuthority(words.get("name"));
        } else {
            channel.usePlaintext();
        }
        ManagedChannel open = channel.build();
        ClientCalls.blockingUnaryCall(open, RESERVE, CallOptions.DEFAULT, new byte[] {10, 4, 'l', 'a', 'm', 'p'});
        if (System.getenv("LAB_CALLS") == null) {
            ClientCalls.blockingUnaryCall(open, CHARGE, CallOptions.DEFAULT, new byte[] {10, 4, 'o', 'n', 'e', '1'});
        }
        open.shutdown().awaitTermination(5, TimeUnit.SECONDS);
    }

    private static SslContextBuilder limited(SslContextBuilder tls, Map<String, String> words) {
        return words.getOrDefault("version", "").equals("1.2") ? tls.protocols("TLSv1.2") : tls;
    }

    private static SslProvider provider(Map<String, String> words) {
        return words.getOrDefault("tls", "").equals("jdk") ? SslProvider.JDK : SslProvider.OPENSSL;
    }
}
