// Fields reads artefacts of X.509 with Bouncy Castle and prints, for each, one line
// of JSON: the fields that package parsed compares between readers, as text.
//
//	java -cp bcprov.jar:bcpkix.jar:bcutil.jar Fields.java KIND FILE [KIND FILE]...
//
// KIND is certificate, crl, ocsp, certsonly or request; FILE is DER.

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.temporal.ChronoUnit;
import java.util.*;
import java.util.stream.Collectors;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.ocsp.*;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.*;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.*;
import org.bouncycastle.asn1.x9.*;
import org.bouncycastle.cert.*;
import org.bouncycastle.cert.ocsp.*;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.DefaultAlgorithmNameFinder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.util.encoders.Hex;

public class Fields {
    public static void main(String[] args) throws Exception {
        for (int i = 0; i + 1 < args.length; i += 2) {
            System.out.println(json(read(args[i], Files.readAllBytes(Path.of(args[i + 1])))));
        }
    }

    static Map<String, String> read(String kind, byte[] der) throws Exception {
        switch (kind) {
            case "certificate": return certificate(new X509CertificateHolder(der));
            case "crl": return crl(new X509CRLHolder(der));
            case "ocsp": return ocsp(new OCSPResp(der));
            case "certsonly": return certsOnly(new CMSSignedData(der));
            case "request": return request(new PKCS10CertificationRequest(der));
            default: throw new IllegalArgumentException("what is a " + kind + "?");
        }
    }

    static Map<String, String> certificate(X509CertificateHolder c) throws Exception {
        Map<String, String> f = new TreeMap<>();
        Extensions e = c.getExtensions();
        f.put("serial", hex(c.getSerialNumber()));
        f.put("issuer", name(c.getIssuer()));
        f.put("subject", name(c.getSubject()));
        f.put("notBefore", time(c.getNotBefore()));
        f.put("notAfter", time(c.getNotAfter()));
        f.put("key", key(c.getSubjectPublicKeyInfo()));
        f.put("signature", algorithm(c.getSignatureAlgorithm()));
        KeyUsage usage = KeyUsage.fromExtensions(e);
        if (usage != null) f.put("keyUsage", usages(usage));
        ExtendedKeyUsage extended = ExtendedKeyUsage.fromExtensions(e);
        if (extended != null) {
            f.put("extKeyUsage", sorted(Arrays.stream(extended.getUsages()).map(Fields::purpose).collect(Collectors.toList())));
        }
        BasicConstraints basic = BasicConstraints.fromExtensions(e);
        if (basic != null) {
            List<String> ca = new ArrayList<>(List.of("" + basic.isCA()));
            if (basic.getPathLenConstraint() != null) ca.add("" + basic.getPathLenConstraint());
            f.put("ca", sorted(ca));
        }
        SubjectKeyIdentifier ski = SubjectKeyIdentifier.fromExtensions(e);
        if (ski != null) f.put("ski", Hex.toHexString(ski.getKeyIdentifier()));
        f.put("aki", aki(e));
        GeneralNames names = GeneralNames.fromExtensions(e, Extension.subjectAlternativeName);
        if (names != null) f.put("names", names(names));
        CRLDistPoint points = CRLDistPoint.getInstance(value(e, Extension.cRLDistributionPoints));
        if (points != null) {
            List<String> all = new ArrayList<>();
            for (DistributionPoint p : points.getDistributionPoints()) all.add(address(p.getDistributionPoint()));
            f.put("crl", sorted(all));
        }
        AuthorityInformationAccess access = AuthorityInformationAccess.fromExtensions(e);
        if (access != null) {
            for (AccessDescription d : access.getAccessDescriptions()) {
                boolean asks = d.getAccessMethod().equals(AccessDescription.id_ad_ocsp);
                f.put(asks ? "ocsp" : "caIssuers", d.getAccessLocation().getName().toString());
            }
        }
        if (e.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nocheck) != null) f.put("noCheck", "yes");
        if (e.getExtension(new ASN1ObjectIdentifier("2.5.29.56")) != null) f.put("noRevAvail", "yes");
        f.put("critical", sorted(Arrays.stream(e.getCriticalExtensionOIDs()).map(ASN1ObjectIdentifier::getId).collect(Collectors.toList())));
        return f;
    }

    static Map<String, String> crl(X509CRLHolder c) throws Exception {
        Map<String, String> f = new TreeMap<>();
        Extensions e = c.getExtensions();
        f.put("issuer", name(c.getIssuer()));
        f.put("thisUpdate", time(c.getThisUpdate()));
        f.put("nextUpdate", time(c.getNextUpdate()));
        f.put("signature", algorithm(c.toASN1Structure().getSignatureAlgorithm()));
        f.put("number", ASN1Integer.getInstance(value(e, Extension.cRLNumber)).getValue().toString());
        f.put("aki", aki(e));
        f.put("point", address(IssuingDistributionPoint.getInstance(value(e, Extension.issuingDistributionPoint)).getDistributionPoint()));
        List<String> entries = new ArrayList<>(), reasons = new ArrayList<>();
        for (Object o : c.getRevokedCertificates()) {
            X509CRLEntryHolder entry = (X509CRLEntryHolder) o;
            String serial = hex(entry.getSerialNumber());
            entries.add(serial + "@" + time(entry.getRevocationDate()));
            Extension reason = entry.getExtension(Extension.reasonCode);
            if (reason != null) {
                reasons.add(serial + "=" + ASN1Enumerated.getInstance(reason.getParsedValue()).getValue());
            }
        }
        f.put("entries", sorted(entries));
        f.put("reasons", sorted(reasons));
        return f;
    }

    static Map<String, String> ocsp(OCSPResp answer) throws Exception {
        Map<String, String> f = new TreeMap<>();
        BasicOCSPResp basic = (BasicOCSPResp) answer.getResponseObject();
        f.put("responder", Hex.toHexString(basic.getResponderId().toASN1Primitive().getKeyHash()));
        f.put("producedAt", time(basic.getProducedAt()));
        f.put("signature", algorithm(basic.getSignatureAlgorithmID()));
        SingleResp one = basic.getResponses()[0];
        CertificateID id = one.getCertID();
        f.put("serial", hex(id.getSerialNumber()));
        f.put("nameHash", Hex.toHexString(id.getIssuerNameHash()));
        f.put("keyHash", Hex.toHexString(id.getIssuerKeyHash()));
        f.put("thisUpdate", time(one.getThisUpdate()));
        f.put("nextUpdate", time(one.getNextUpdate()));
        CertificateStatus status = one.getCertStatus();
        if (status == null) {
            f.put("status", "good");
        } else if (status instanceof RevokedStatus) {
            RevokedStatus revoked = (RevokedStatus) status;
            f.put("status", "revoked");
            f.put("revokedAt", time(revoked.getRevocationTime()));
            if (revoked.hasRevocationReason()) f.put("reason", "" + revoked.getRevocationReason());
        } else {
            f.put("status", "unknown");
        }
        return f;
    }

    static Map<String, String> certsOnly(CMSSignedData data) {
        Map<String, String> f = new TreeMap<>();
        List<String> serials = new ArrayList<>();
        for (X509CertificateHolder c : data.getCertificates().getMatches(null)) serials.add(hex(c.getSerialNumber()));
        f.put("certificates", sorted(serials));
        if (data.getSignerInfos().size() != 0) f.put("signers", "" + data.getSignerInfos().size());
        return f;
    }

    static Map<String, String> request(PKCS10CertificationRequest r) throws Exception {
        Map<String, String> f = new TreeMap<>();
        f.put("subject", name(r.getSubject()));
        f.put("key", key(r.getSubjectPublicKeyInfo()));
        f.put("signature", algorithm(r.getSignatureAlgorithm()));
        boolean holds = r.isSignatureValid(new JcaContentVerifierProviderBuilder()
            .setProvider(new BouncyCastleProvider()).build(r.getSubjectPublicKeyInfo()));
        f.put("selfSigned", holds ? "yes" : "no");
        return f;
    }

    static String key(SubjectPublicKeyInfo info) throws Exception {
        ASN1ObjectIdentifier algorithm = info.getAlgorithm().getAlgorithm();
        if (algorithm.equals(X9ObjectIdentifiers.id_ecPublicKey)) {
            return "EC " + ASN1ObjectIdentifier.getInstance(info.getAlgorithm().getParameters()).getId();
        }
        if (algorithm.equals(PKCSObjectIdentifiers.rsaEncryption)) {
            return "RSA " + org.bouncycastle.asn1.pkcs.RSAPublicKey.getInstance(info.parsePublicKey()).getModulus().bitLength();
        }
        return algorithm.getId();
    }

    static String algorithm(AlgorithmIdentifier id) { return id.getAlgorithm().getId(); }

    static String usages(KeyUsage usage) {
        Map<Integer, String> known = Map.of(KeyUsage.digitalSignature, "digitalSignature", KeyUsage.keyEncipherment, "keyEncipherment",
            KeyUsage.keyCertSign, "keyCertSign", KeyUsage.cRLSign, "cRLSign");
        return sorted(known.keySet().stream().filter(usage::hasUsages).map(known::get).collect(Collectors.toList()));
    }

    static String purpose(KeyPurposeId p) {
        Map<KeyPurposeId, String> known = Map.of(KeyPurposeId.id_kp_clientAuth, "clientAuth",
            KeyPurposeId.id_kp_serverAuth, "serverAuth", KeyPurposeId.id_kp_OCSPSigning, "OCSPSigning");
        return known.getOrDefault(p, p.getId());
    }

    static String aki(Extensions e) {
        AuthorityKeyIdentifier id = AuthorityKeyIdentifier.fromExtensions(e);
        return id == null ? "" : Hex.toHexString(id.getKeyIdentifier());
    }

    static String name(X500Name name) {
        Map<ASN1ObjectIdentifier, String> short_ = Map.of(BCStyle.CN, "CN", BCStyle.O, "O", BCStyle.OU, "OU", BCStyle.C, "C", BCStyle.SERIALNUMBER, "serialNumber");
        List<String> all = new ArrayList<>();
        for (RDN rdn : name.getRDNs()) {
            for (AttributeTypeAndValue a : rdn.getTypesAndValues()) {
                all.add(short_.getOrDefault(a.getType(), a.getType().getId()) + "=" + ((ASN1String) a.getValue()).getString());
            }
        }
        Collections.sort(all);
        return String.join(", ", all);
    }

    static String names(GeneralNames names) throws Exception {
        List<String> all = new ArrayList<>();
        for (GeneralName n : names.getNames()) {
            switch (n.getTagNo()) {
                case GeneralName.uniformResourceIdentifier: all.add("URI:" + n.getName()); break;
                case GeneralName.dNSName: all.add("DNS:" + n.getName()); break;
                case GeneralName.iPAddress:
                    all.add("IP:" + InetAddress.getByAddress(ASN1OctetString.getInstance(n.getName()).getOctets()).getHostAddress());
                    break;
                default: all.add(n.getTagNo() + ":" + n.getName());
            }
        }
        return sorted(all);
    }

    static String address(DistributionPointName name) {
        return GeneralNames.getInstance(name.getName()).getNames()[0].getName().toString();
    }

    static ASN1Encodable value(Extensions e, ASN1ObjectIdentifier id) { return e.getExtensionParsedValue(id); }

    static String hex(BigInteger number) {
        String text = number.toString(16);
        return text.length() % 2 == 0 ? text : "0" + text;
    }

    static String time(Date at) { return at.toInstant().truncatedTo(ChronoUnit.SECONDS).toString(); }

    static String sorted(List<String> all) {
        List<String> copy = new ArrayList<>(all);
        Collections.sort(copy);
        return String.join(" ", copy);
    }

    static String json(Map<String, String> fields) {
        return fields.entrySet().stream().map(f -> quote(f.getKey()) + ":" + quote(f.getValue()))
            .collect(Collectors.joining(",", "{", "}"));
    }

    static String quote(String text) { return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"'; }
}
