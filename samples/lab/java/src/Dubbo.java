import java.util.HashMap;
import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.SslConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** A service and a client on Dubbo. Arguments: serve or call, protocol (dubbo, tri), address, port, token if any, or ca=, cert=, key=, auth= for TLS. */
public final class Dubbo {
    /** What is offered. */
    public interface Inventory {
        String reserve(String item);
    }

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[3]);
        Map<String, String> words = new HashMap<>();
        for (int i = 4; i < args.length; i++) {
            String[] word = args[i].contains("=") ? args[i].split("=", 2) : new String[] {"token", args[i]};
            words.put(word[0], word[1]);
        }
        String token = words.get("token");
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
            protocol.setSslEnabled(words.containsKey("cert"));
            boot("inventory", words).protocol(protocol).service(service).start().await();
            return;
        }
        ReferenceConfig<Inventory> reference = new ReferenceConfig<>();
        reference.setInterface(Inventory.class);
        reference.setUrl(args[1] + "://" + args[2] + ":" + port + (words.containsKey("ca") ? "?ssl-enabled=true" : ""));
        reference.setCheck(false);
        reference.setTimeout(8000);
        if (token != null) {
            reference.setParameters(Map.of("token", token));
        }
        DubboBootstrap boot = boot("orders", words).reference(reference).start();
        for (int n = 0; n < (System.getenv("LAB_CALLS") == null ? 2 : 1); n++) {
            reference.get().reserve("chair");
        }
        boot.stop();
        System.exit(0);
    }

    private static DubboBootstrap boot(String name, Map<String, String> words) {
        ApplicationConfig application = new ApplicationConfig(name);
        application.setQosEnable(false);
        application.setLogger("jdk");
        DubboBootstrap boot = DubboBootstrap.getInstance().application(application).registry(new RegistryConfig("N/A"));
        return words.containsKey("ca") ? boot.ssl(secured(words)) : boot;
    }

    /** One end's files. A server that is given authorities requires a certificate of its clients. */
    private static SslConfig secured(Map<String, String> words) {
        SslConfig tls = new SslConfig();
        if (words.containsKey("auth")) {
            tls.setServerKeyCertChainPath(words.get("cert"));
            tls.setServerPrivateKeyPath(words.get("key"));
            if (words.get("auth").equals("require")) {
                tls.setServerTrustCertCollectionPath(words.get("ca"));
            }
            return tls;
        }
        tls.setClientTrustCertCollectionPath(words.get("ca"));
        if (words.containsKey("cert")) {
            tls.setClientKeyCertChainPath(words.get("cert"));
            tls.setClientPrivateKeyPath(words.get("key"));
        }
        return tls;
    }
}
