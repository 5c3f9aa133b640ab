package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"time"
)

// Server is an http.Server for Addr that speaks HTTP/1 and HTTP/2: with TLS, if
// the flags say so, else without. It has no time-outs.
func (f Flags) Server(h http.Handler) (*http.Server, error) {
	srv := &http.Server{Addr: f.Addr, Handler: h, Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetHTTP2(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	if !f.TLS {
		return srv, nil
	}
	cert, err := certificate()
	if err != nil {
		return nil, fmt.Errorf("app: certificate: %w", err)
	}
	srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	return srv, nil
}

// ListenAndServe is for those whose library does not do it: TLS if the server is
// made for it.
func ListenAndServe(srv *http.Server) error {
	if srv.TLSConfig != nil {
		return srv.ListenAndServeTLS("", "")
	}
	return srv.ListenAndServe()
}

// ServeReady answers GET /readyz on Admin for those whose library does not: 200,
// or 503 when ready, which may be nil, says so. It returns only if it cannot.
func (f Flags) ServeReady(ready func() bool) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready != nil && !ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	return http.ListenAndServe(f.Admin, mux)
}

// AdminServer is an http.Server for Admin.
func (f Flags) AdminServer(h http.Handler) *http.Server {
	return &http.Server{Addr: f.Admin, Handler: h}
}

// ListenRPC opens GRPC.
func (f Flags) ListenRPC() (net.Listener, error) { return net.Listen("tcp", f.GRPC) }

// certificate is made anew for each process.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
