// Package ends has the TLS settings that every program of the lab takes, as flags: what one end shows, whom it trusts,
// and what it asks of the other. It makes a tls.Config of them and leaves it to the program how its framework takes it.
package ends

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"os"
	"strconv"
)

// Flags are the settings of one end. Without -ca and -cert there is no TLS.
type Flags struct{ Cert, Key, CA, Name, Highest, Auth, Keylog string }

// Register adds the flags to a set.
func (f *Flags) Register(set *flag.FlagSet) {
	set.StringVar(&f.Cert, "cert", "", "certificate of this end")
	set.StringVar(&f.Key, "cert-key", "", "its key")
	set.StringVar(&f.CA, "ca", "", "authorities to trust")
	set.StringVar(&f.Name, "name", "", "client: name of the server")
	set.StringVar(&f.Highest, "max", "1.3", "highest TLS version")
	set.StringVar(&f.Auth, "auth", "require", "server: none, optional or require, with -ca")
	set.StringVar(&f.Keylog, "keylog", "", "file to add the keys of sessions to")
}

var asked = map[string]tls.ClientAuthType{
	"none": tls.NoClientCert, "optional": tls.VerifyClientCertIfGiven, "require": tls.RequireAndVerifyClientCert,
}

// Calls is how many calls a client makes: as many as it usually does, or what the lab asks for.
func Calls(usual int) int {
	if asked, err := strconv.Atoi(os.Getenv("LAB_CALLS")); err == nil {
		return asked
	}
	return usual
}

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// Config gives the settings as Go takes them, and nil where there is to be no TLS.
func (f *Flags) Config() (*tls.Config, error) {
	if f.CA == "" && f.Cert == "" {
		return nil, nil
	}
	config := &tls.Config{ServerName: f.Name, MaxVersion: versions[f.Highest]}
	if f.Cert != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
		// Shown even to servers that name other authorities, so that servers get to refuse it.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", f.CA)
		}
		config.RootCAs, config.ClientCAs, config.ClientAuth = pool, pool, asked[f.Auth]
	}
	return config, f.log(config)
}

func (f *Flags) log(config *tls.Config) error {
	if f.Keylog == "" {
		return nil
	}
	file, err := os.OpenFile(f.Keylog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	config.KeyLogWriter = file
	return err
}
