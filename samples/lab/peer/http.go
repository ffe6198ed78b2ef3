package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

// serveHTTP serves a small order service: HTTP/1.1, h2 by ALPN, h2c when asked, or both TLS and plaintext on one port.
func serveHTTP(args []string) error {
	set := flag.NewFlagSet("serve-http", flag.ExitOnError)
	listen := set.String("listen", "", "address and port")
	both := set.Bool("both", false, "speak TLS to who begins with TLS and plaintext to who does not")
	clear := set.Bool("h2c", false, "accept HTTP/2 without TLS, by prior knowledge or by upgrade")
	var f tlsFlags
	f.register(set)
	if err := set.Parse(args); err != nil {
		return err
	}
	config, err := f.config()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(order), TLSConfig: config}
	if f.alpn == "http/1.1" {
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	if *clear {
		server.Handler = h2c.NewHandler(server.Handler, &http2.Server{})
	}
	switch {
	case *both:
		return server.Serve(&sniffing{Listener: listener, config: config})
	case f.cert != "":
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

func order(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	w.Header().Set("Content-Type", "application/json")
	if strings.HasPrefix(r.URL.Path, "/missing") {
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprintf(w, `{"path":%q,"received":%d,"orders":[{"id":1,"item":"chair"},{"id":2,"item":"table"}]}`, r.URL.Path, len(body))
}

// sniffing gives TLS connections to clients that open with a handshake record and leaves the others as they are.
type sniffing struct {
	net.Listener
	config *tls.Config
}

func (s *sniffing) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	first, err := reader.Peek(1)
	if err != nil {
		return conn, nil
	}
	peeked := &peekedConn{Conn: conn, reader: reader}
	if first[0] == 0x16 {
		return tls.Server(peeked, s.config), nil
	}
	return peeked, nil
}

type peekedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (p *peekedConn) Read(to []byte) (int, error) { return p.reader.Read(to) }

// callHTTP asks each URL in turn; with -connections N the whole round is repeated over N connections, one after the other.
func callHTTP(args []string) error {
	set := flag.NewFlagSet("call-http", flag.ExitOnError)
	connections := set.Int("connections", 1, "how many connections, one after the other")
	resume := set.Bool("resume", false, "offer the session of the connection before")
	var f tlsFlags
	f.register(set)
	if err := set.Parse(args); err != nil {
		return err
	}
	config, err := f.config()
	if err != nil {
		return err
	}
	if *resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	}
	for range *connections {
		transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: f.alpn == ""}
		client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
		for _, url := range set.Args() {
			if err := get(client, url); err != nil {
				return err
			}
		}
		transport.CloseIdleConnections()
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

func get(client *http.Client, url string) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	trace := &httptrace.ClientTrace{TLSHandshakeDone: func(state tls.ConnectionState, err error) {
		fmt.Printf("handshake version=%#x suite=%s resumed=%v err=%v\n",
			state.Version, tls.CipherSuiteName(state.CipherSuite), state.DidResume, err)
	}}
	response, err := client.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 && response.StatusCode != http.StatusNotFound {
		return errors.New(response.Status)
	}
	return nil
}
