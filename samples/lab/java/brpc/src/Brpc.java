import com.baidu.bjf.remoting.protobuf.annotation.Protobuf;
import com.baidu.bjf.remoting.protobuf.annotation.ProtobufClass;
import com.baidu.jprotobuf.pbrpc.ProtobufRPC;
import com.baidu.jprotobuf.pbrpc.ProtobufRPCService;
import com.baidu.jprotobuf.pbrpc.client.ProtobufRpcProxy;
import com.baidu.jprotobuf.pbrpc.transport.RpcClient;
import com.baidu.jprotobuf.pbrpc.transport.RpcServer;
import java.net.InetSocketAddress;

/** A service and a client on Baidu's RPC protocol. Arguments: serve or call, address, port. */
public class Brpc {
    @ProtobufClass
    public static class Item {
        @Protobuf(order = 1)
        public String name;
    }

    public interface Calls {
        @ProtobufRPC(serviceName = "Inventory", methodName = "Reserve", onceTalkTimeout = 10000)
        Item reserve(Item item);

        @ProtobufRPC(serviceName = "Inventory", methodName = "Vanish", onceTalkTimeout = 10000)
        Item vanish(Item item);
    }

    public static class Service {
        @ProtobufRPCService(serviceName = "Inventory", methodName = "Reserve")
        public Item reserve(Item item) {
            item.name = "reserved " + item.name;
            return item;
        }
    }

    public static void main(String[] words) throws Exception {
        InetSocketAddress where = new InetSocketAddress(words[1], Integer.parseInt(words[2]));
        if (words[0].equals("serve")) {
            RpcServer server = new RpcServer();
            server.registerService(new Service());
            server.start(where);
            Thread.currentThread().join();
        }
        RpcClient client = new RpcClient();
        ProtobufRpcProxy<Calls> proxy = new ProtobufRpcProxy<>(client, Calls.class);
        proxy.setHost(where.getHostString());
        proxy.setPort(where.getPort());
        Calls calls = proxy.proxy();
        Item item = new Item();
        item.name = "chair";
        calls.reserve(item);
        calls.reserve(item);
        try {
            calls.vanish(item);
        } catch (RuntimeException expected) {
            System.err.println(expected.getMessage());
        }
        proxy.close();
        client.stop();
        System.exit(0);
    }
}
