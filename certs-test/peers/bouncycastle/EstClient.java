import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.KeyManagerFactory;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.est.CSRAttributesResponse;
import org.bouncycastle.est.ESTException;
import org.bouncycastle.est.ESTService;
import org.bouncycastle.est.EnrollmentResponse;
import org.bouncycastle.est.HttpAuth;
import org.bouncycastle.est.jcajce.ChannelBindingProvider;
import org.bouncycastle.est.jcajce.JcaJceUtils;
import org.bouncycastle.est.jcajce.JsseESTServiceBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.jsse.BCSSLSocket;
import org.bouncycastle.jsse.provider.BouncyCastleJsseProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * Bouncy Castle's EST client, as a program for scripts. Keys are NAME.key (PKCS#8, PEM)
 * and certificates NAME.crt, in the current folder.
 *
 * <pre>
 *   golden BASE64                    prints what csrattrs asks for, as it is parsed
 *   cacerts                          prints the subjects
 *   csrattrs                         prints what is asked for
 *   enrol NAME USER TICKET           a new key on P-256
 *   bound NAME USER TICKET           the same, by a CSR that is bound to the connection
 *   keygen NAME USER TICKET          a key of the server's
 *   reenrol OLD NEW                  by the certificate OLD, for a new key
 * </pre>
 *
 * The server is EST_SERVER (host:port), its anchor the file ROOT, the label EST_LABEL
 * where there is one, and the version of TLS EST_TLS. A refusal is printed, status
 * first, and the exit status is 1.
 */
public final class EstClient {
  private static final BouncyCastleProvider BC = new BouncyCastleProvider();

  private EstClient() {}

  public static void main(String[] args) throws Exception {
    Security.addProvider(BC);
    try {
      run(args);
    } catch (ESTException refused) {
      String body = refused.getBody() == null ? "" : new String(refused.getBody().readAllBytes(), StandardCharsets.UTF_8);
      System.out.println("HTTP " + refused.getStatusCode() + "\n" + body + refused.getMessage());
      System.exit(1);
    }
  }

  private static void run(String[] args) throws Exception {
    switch (args[0]) {
      case "golden" -> print(new CSRAttributesResponse(Base64.getDecoder().decode(args[1])));
      case "cacerts" -> {
        for (X509CertificateHolder holder : ESTService.storeToArray(service(null).getCACerts().getCertificateStore())) {
          System.out.println(holder.getSubject());
        }
      }
      case "csrattrs" -> print(service(null).getCSRAttributes().getAttributesResponse());
      case "enrol" -> {
        KeyPair pair = newKey();
        keep(args[1], pair.getPrivate(), service(null).simpleEnroll(false, request(pair).build(signer(pair)), auth(args)));
      }
      case "bound" -> {
        KeyPair pair = newKey();
        keep(args[1], pair.getPrivate(), service(null).simpleEnrollPoP(false, request(pair), signer(pair), auth(args)));
      }
      case "keygen" -> {
        KeyPair asking = newKey();
        EnrollmentResponse answer = service(null).simpleEnrollWithServersideCreation(request(asking).build(signer(asking)), auth(args));
        byte[] pkcs8 = answer.getPrivateKeyInfo().getEncoded();
        keep(args[1], KeyFactory.getInstance("EC", BC).generatePrivate(new PKCS8EncodedKeySpec(pkcs8)), answer);
      }
      case "reenrol" -> {
        KeyPair pair = newKey();
        keep(args[2], pair.getPrivate(), service(args[1]).simpleEnroll(true, request(pair).build(signer(pair)), null));
      }
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  /** The service, with the certificate of a device that has one. */
  private static ESTService service(String device) throws Exception {
    BouncyCastleJsseProvider tls = new BouncyCastleJsseProvider(BC);
    Set<TrustAnchor> anchors = Set.of(new TrustAnchor(certificate(Path.of(System.getenv("ROOT"))), null));
    JsseESTServiceBuilder builder = new JsseESTServiceBuilder(System.getenv("EST_SERVER"), JcaJceUtils.getCertPathTrustManager(anchors, null));
    builder.withProvider(tls).withTLSVersion(System.getenv().getOrDefault("EST_TLS", "TLSv1.2")).withTimeout(30_000);
    builder.withChannelBindingProvider(new Binding());
    if (!System.getenv().getOrDefault("EST_LABEL", "").isEmpty()) {
      builder.withLabel(System.getenv("EST_LABEL"));
    }
    if (device != null) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      X509Certificate[] chain = {certificate(Path.of(device + ".crt")), certificate(Path.of(System.getenv("ISSUING")))};
      store.setKeyEntry("device", privateKey(Path.of(device + ".key")), new char[0], chain);
      KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX", tls);
      managers.init(store, new char[0]);
      builder.withKeyManagers(managers.getKeyManagers());
    }
    return builder.build();
  }

  /** What names a TLS connection, by Bouncy Castle's own TLS. */
  private static final class Binding implements ChannelBindingProvider {
    @Override
    public boolean canAccessChannelBinding(Socket socket) {
      return socket instanceof BCSSLSocket;
    }

    @Override
    public byte[] getChannelBinding(Socket socket, String binding) {
      return ((BCSSLSocket) socket).getConnection().getChannelBinding(binding);
    }
  }

  private static HttpAuth auth(String[] args) {
    return new HttpAuth(args[2], args[3].toCharArray());
  }

  private static KeyPair newKey() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", BC);
    generator.initialize(new ECGenParameterSpec("P-256"));
    return generator.generateKeyPair();
  }

  private static PKCS10CertificationRequestBuilder request(KeyPair pair) {
    return new JcaPKCS10CertificationRequestBuilder(new X500Principal("CN=bouncycastle"), pair.getPublic());
  }

  private static ContentSigner signer(KeyPair pair) throws Exception {
    return new JcaContentSignerBuilder("SHA256withECDSA").setProvider(BC).build(pair.getPrivate());
  }

  private static void print(CSRAttributesResponse asked) {
    List<String> lines = new ArrayList<>();
    for (ASN1ObjectIdentifier id : new ArrayList<>(asked.getRequirements())) {
      lines.add((asked.isAttribute(id) ? "attribute " : "oid ") + id);
    }
    new TreeSet<>(lines).forEach(System.out::println);
  }

  /** Writes key and certificate, which have to fit. */
  private static void keep(String name, PrivateKey key, EnrollmentResponse answer) throws Exception {
    if (!answer.isCompleted()) {
      System.out.println("HTTP 202\nnot before " + answer.getNotBefore());
      System.exit(1);
    }
    X509CertificateHolder holder = ESTService.storeToArray(answer.getStore())[0];
    X509Certificate certificate = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(holder.getEncoded()));
    check(key, certificate.getPublicKey());
    Files.writeString(Path.of(name + ".key"), pem("PRIVATE KEY", key.getEncoded()));
    Files.writeString(Path.of(name + ".crt"), pem("CERTIFICATE", holder.getEncoded()));
  }

  private static void check(PrivateKey key, PublicKey certified) throws Exception {
    java.security.Signature signature = java.security.Signature.getInstance("SHA256withECDSA", BC);
    signature.initSign(key);
    signature.update(new byte[] {1});
    byte[] signed = signature.sign();
    signature.initVerify(certified);
    signature.update(new byte[] {1});
    if (!signature.verify(signed)) {
      throw new IllegalStateException("the certificate is for another key");
    }
  }

  private static String pem(String type, byte[] der) {
    return "-----BEGIN " + type + "-----\n" + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + type + "-----\n";
  }

  private static X509Certificate certificate(Path path) throws Exception {
    return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(Files.readAllBytes(path)));
  }

  private static PrivateKey privateKey(Path path) throws Exception {
    try (PEMParser parser = new PEMParser(new StringReader(Files.readString(path)))) {
      byte[] der = parser.readPemObject().getContent();
      return KeyFactory.getInstance("EC", BC).generatePrivate(new PKCS8EncodedKeySpec(der));
    }
  }
}
