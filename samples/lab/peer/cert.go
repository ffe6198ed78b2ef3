package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"time"
)

// makeCertificate writes PREFIX.pem (leaf, then the issuer unless it is a root) and PREFIX.key.
//
// Validity is given relative to now, so that "expired" is true at the moment of the recording.
func makeCertificate(args []string) error {
	set := flag.NewFlagSet("cert", flag.ExitOnError)
	out := set.String("out", "", "path prefix of the files to write")
	issuer := set.String("issuer", "", "path prefix of the issuer; self-signed when empty")
	cn := set.String("cn", "", "common name")
	organisation := set.String("o", "", "organisation")
	dns := set.String("dns", "", "DNS names")
	ips := set.String("ip", "", "addresses")
	uris := set.String("uri", "", "URIs")
	kind := set.String("key", "p256", "p224, p256, p384, rsa1024 or rsa2048")
	usage := set.String("usage", "server", "server, client, both, none or ca")
	sha1 := set.Bool("sha1", false, "sign with SHA-1")
	serialText := set.String("serial", "", "serial number; random when empty")
	crl := set.String("crl", "", "where revocations would be found")
	from := set.Duration("from", -time.Hour, "start of validity from now")
	to := set.Duration("to", 90*24*time.Hour, "end of validity from now")
	if err := set.Parse(args); err != nil {
		return err
	}
	key, err := newKey(*kind)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	if *serialText != "" {
		serial.SetString(*serialText, 10)
	}
	now := time.Now().UTC().Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: *cn}, NotBefore: now.Add(*from), NotAfter: now.Add(*to),
		DNSNames: fields(*dns), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	template.CRLDistributionPoints = fields(*crl)
	if *organisation != "" {
		template.Subject.Organization = []string{*organisation}
	}
	if _, isRSA := key.(*rsa.PrivateKey); isRSA {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	for _, text := range fields(*ips) {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(text))
	}
	for _, text := range fields(*uris) {
		uri, err := url.Parse(text)
		if err != nil {
			return err
		}
		template.URIs = append(template.URIs, uri)
	}
	switch *usage {
	case "server":
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case "client":
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case "none":
	case "both":
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	case "ca":
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	default:
		return fmt.Errorf("unknown usage %q", *usage)
	}
	return issue(*out, *issuer, template, key, *sha1)
}

func issue(out, issuer string, template *x509.Certificate, key crypto.Signer, sha1 bool) error {
	parent, parentKey := template, key
	var chain []byte
	if issuer != "" {
		var err error
		if parent, parentKey, chain, err = load(issuer); err != nil {
			return err
		}
	}
	if _, isRSA := parentKey.(*rsa.PrivateKey); sha1 && isRSA {
		template.SignatureAlgorithm = x509.SHA1WithRSA
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(out+".pem", append(leaf, chain...), 0o600); err != nil {
		return err
	}
	return os.WriteFile(out+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}

// load reads an issuer; chain is what a server sends after its leaf, empty when the issuer is a root.
func load(prefix string) (*x509.Certificate, crypto.Signer, []byte, error) {
	text, err := os.ReadFile(prefix + ".pem")
	if err != nil {
		return nil, nil, nil, err
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, nil, err
	}
	secret, err := os.ReadFile(prefix + ".key")
	if err != nil {
		return nil, nil, nil, err
	}
	block, _ = pem.Decode(secret)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, nil, err
	}
	if cert.Issuer.String() == cert.Subject.String() {
		text = nil
	}
	return cert, key.(crypto.Signer), text, nil
}

func newKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "p224":
		return ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	case "rsa1024":
		return rsa.GenerateKey(rand.Reader, 1024)
	case "rsa2048":
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, fmt.Errorf("unknown key kind %q", kind)
}
