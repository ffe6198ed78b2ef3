import java.io.FileInputStream;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** One HTTPS request by JSSE. Arguments: address, port, then key=value: name, ca, crl, lax (verify nothing). */
public final class Judge {
    public static void main(String[] args) throws Exception {
        Map<String, String> words = new HashMap<>();
        for (int i = 2; i < args.length; i++) {
            String[] word = args[i].split("=", 2);
            words.put(word[0], word[1]);
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, words.containsKey("lax") ? new TrustManager[] {new Anybody()} : judges(words), null);
        try (Socket plain = new Socket(args[0], Integer.parseInt(args[1]));
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, words.get("name"), plain.getPort(), true)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(words.get("name"))));
            parameters.setEndpointIdentificationAlgorithm(words.containsKey("lax") ? null : "HTTPS");
            socket.setSSLParameters(parameters);
            String request = "GET /orders HTTP/1.1\r\nHost: " + words.get("name") + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            socket.getInputStream().readAllBytes();
        }
    }

    private static TrustManager[] judges(Map<String, String> words) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = new FileInputStream(words.get("ca"))) {
            for (var root : factory.generateCertificates(file)) {
                store.setCertificateEntry("root" + store.size(), root);
            }
        }
        TrustManagerFactory judges = TrustManagerFactory.getInstance("PKIX");
        if (!words.containsKey("crl")) {
            judges.init(store);
            return judges.getTrustManagers();
        }
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(store, new X509CertSelector());
        try (InputStream file = new FileInputStream(words.get("crl"))) {
            parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(factory.generateCRLs(file))));
        }
        judges.init(new CertPathTrustManagerParameters(parameters));
        return judges.getTrustManagers();
    }

    /** Takes whatever comes, as many a program does. */
    private static final class Anybody extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) { }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) { }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) { }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) { }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) { }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) { }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
