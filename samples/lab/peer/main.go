// Command peer is one end of a recorded conversation: a server, a client, or the maker of the lab's certificates.
//
// It exists so that every sample is a conversation between real TLS, HTTP/2 and gRPC implementations with settings
// that the driver chose, and therefore knows. It is needed to record samples, never to build or test wirelint.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"os"
	"strings"
)

var commands = map[string]func([]string) error{
	"cert":       makeCertificate,
	"crl":        makeRevocations,
	"serve-http": serveHTTP,
	"serve-grpc": serveGRPC,
	"call-http":  callHTTP,
	"call-grpc":  callGRPC,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: peer cert|crl|serve-http|serve-grpc|call-http|call-grpc [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

// tlsFlags are the settings that both ends share.
type tlsFlags struct {
	cert, key, ca, auth, min, max, suites, curves, name, alpn, keylog string
	insecure, noTickets, insist                                       bool
}

func (f *tlsFlags) register(set *flag.FlagSet) {
	set.StringVar(&f.cert, "cert", "", "PEM chain of this end")
	set.StringVar(&f.key, "key", "", "PEM key of this end")
	set.StringVar(&f.ca, "ca", "", "PEM authorities to trust")
	set.StringVar(&f.auth, "auth", "none", "server: none, request, verify-if-given or require")
	set.StringVar(&f.min, "min", "1.2", "lowest TLS version")
	set.StringVar(&f.max, "max", "1.3", "highest TLS version")
	set.StringVar(&f.suites, "suites", "", "cipher suites up to TLS 1.2, comma separated IANA names")
	set.StringVar(&f.curves, "curves", "", "groups: X25519, P-256, P-384, X25519MLKEM768")
	set.StringVar(&f.name, "name", "", "client: server name to ask for and to verify")
	set.StringVar(&f.alpn, "alpn", "", "ALPN protocols; the program's default when empty")
	set.StringVar(&f.keylog, "keylog", "", "file to add the keys of sessions to")
	set.BoolVar(&f.insecure, "insecure", false, "client: do not verify the server")
	set.BoolVar(&f.insist, "insist", false, "client: present the certificate whatever authorities the server names")
	set.BoolVar(&f.noTickets, "no-tickets", false, "no session tickets")
}

var versions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

var groups = map[string]tls.CurveID{
	"X25519": tls.X25519, "P-256": tls.CurveP256, "P-384": tls.CurveP384, "X25519MLKEM768": tls.X25519MLKEM768,
}

var clientAuth = map[string]tls.ClientAuthType{
	"none": tls.NoClientCert, "request": tls.RequestClientCert,
	"verify-if-given": tls.VerifyClientCertIfGiven, "require": tls.RequireAndVerifyClientCert,
}

func (f *tlsFlags) config() (*tls.Config, error) {
	config := &tls.Config{
		MinVersion: versions[f.min], MaxVersion: versions[f.max], ClientAuth: clientAuth[f.auth],
		ServerName: f.name, InsecureSkipVerify: f.insecure, SessionTicketsDisabled: f.noTickets,
	}
	if f.keylog != "" {
		log, err := os.OpenFile(f.keylog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		config.KeyLogWriter = log
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
		if f.insist {
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
	}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", f.ca)
		}
		config.RootCAs, config.ClientCAs = pool, pool
	}
	for _, name := range fields(f.curves) {
		config.CurvePreferences = append(config.CurvePreferences, groups[name])
	}
	config.NextProtos = fields(f.alpn)
	return config, f.chooseSuites(config)
}

func (f *tlsFlags) chooseSuites(config *tls.Config) error {
	known := map[string]uint16{}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		known[suite.Name] = suite.ID
	}
	for _, name := range fields(f.suites) {
		id, ok := known[name]
		if !ok {
			return fmt.Errorf("unknown suite %s", name)
		}
		config.CipherSuites = append(config.CipherSuites, id)
	}
	return nil
}

func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}
