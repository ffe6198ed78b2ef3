import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** A service and a client on Dubbo. Arguments: serve or call, protocol (dubbo, tri), address, port, token if any. */
public final class Dubbo {
    /** What is offered. */
    public interface Inventory {
        String reserve(String item);
    }

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[3]);
        String token = args.length > 4 ? args[4] : null;
        System.setProperty("dubbo.network.interface.preferred", "eth0");
        if (args[0].equals("serve")) {
            ServiceConfig<Inventory> service = new ServiceConfig<>();
            service.setInterface(Inventory.class);
            service.setRef(item -> "reserved " + item);
            if (token != null) {
                service.setToken(token);
            }
            ProtocolConfig protocol = new ProtocolConfig(args[1], port);
            protocol.setHost(args[2]);
            boot("inventory").protocol(protocol).service(service).start().await();
            return;
        }
        ReferenceConfig<Inventory> reference = new ReferenceConfig<>();
        reference.setInterface(Inventory.class);
        reference.setUrl(args[1] + "://" + args[2] + ":" + port);
        reference.setCheck(false);
        reference.setTimeout(8000);
        if (token != null) {
            reference.setParameters(Map.of("token", token));
        }
        DubboBootstrap boot = boot("orders").reference(reference).start();
        for (int n = 0; n < 2; n++) {
            reference.get().reserve("chair");
        }
        boot.stop();
        System.exit(0);
    }

    private static DubboBootstrap boot(String name) {
        ApplicationConfig application = new ApplicationConfig(name);
        application.setQosEnable(false);
        application.setLogger("jdk");
        return DubboBootstrap.getInstance().application(application).registry(new RegistryConfig("N/A"));
    }
}
