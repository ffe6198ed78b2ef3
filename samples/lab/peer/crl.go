package main

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"math/big"
	"os"
	"time"
)

// makeRevocations writes a certificate revocation list, as PEM, that an issuer signed.
func makeRevocations(args []string) error {
	set := flag.NewFlagSet("crl", flag.ExitOnError)
	out := set.String("out", "", "file to write")
	issuer := set.String("issuer", "", "path prefix of the issuer")
	revoked := set.String("revoked", "", "path prefixes of the certificates that are revoked")
	from := set.Duration("from", -24*time.Hour, "this update, from now")
	to := set.Duration("to", 30*24*time.Hour, "next update, from now")
	if err := set.Parse(args); err != nil {
		return err
	}
	parent, key, _, err := load(*issuer)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	list := &x509.RevocationList{Number: big.NewInt(7), ThisUpdate: now.Add(*from), NextUpdate: now.Add(*to)}
	for _, prefix := range fields(*revoked) {
		cert, _, _, err := load(prefix)
		if err != nil {
			return err
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: cert.SerialNumber, RevocationTime: now.Add(*from), ReasonCode: 1,
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, parent, key)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), 0o600)
}
