package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

func (c *checker) bind(key, addr, fallback string, connections int) Bind {
	b := Bind{Addr: orDefault(addr, fallback), MaxConnections: orDefault(connections, defaultConnections)}
	if _, port, err := net.SplitHostPort(b.Addr); err != nil {
		c.faults.add(key+".addr", "%q is no host:port; write for example %s", b.Addr, fallback)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		c.faults.add(key+".addr", "port %.20q must be 0 to 65535", port)
	}
	if b.MaxConnections < 1 || b.MaxConnections > maxConnections {
		c.faults.add(key+".max_connections", "%d must be 1 to %d", connections, maxConnections)
	}
	return b
}

func (c *checker) metrics(m Metrics) Bind {
	if m.Addr == "off" {
		if m.Pprof {
			c.faults.add("metrics.pprof", "pprof is served on the metrics listener; give metrics.addr an address")
		}
		return Bind{}
	}
	b := c.bind("metrics", m.Addr, DefaultMetricsAddr, 0)
	if host, _, err := net.SplitHostPort(b.Addr); err == nil && !isLoopback(host) {
		c.warnings.add("metrics.addr", "%s can be reached from other machines, without TLS or sign-in", b.Addr)
	}
	return b
}

func (c *checker) publicURL(text string) string {
	const key = "status.public_url"
	u, err := url.Parse(text)
	switch {
	case text == "":
		c.faults.add(key, "missing; write how the world reaches the status listener, such as http://pki.example.com")
	case err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(text) > 256:
		c.faults.add(key, "%.80q is no address of the form http://host[:port][/path], up to 256 characters; plain http, because what is served is signed", text)
	case isLoopback(u.Hostname()):
		c.warnings.add(key, "%s means this machine to everybody who checks a certificate; enter a name that they can reach", text)
	}
	return text
}

func (c *checker) names(raw []string) (dnsNames []string, ips []net.IP) {
	dnsNames = []string{"localhost"}
	ips = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	for i, name := range raw {
		if ip := net.ParseIP(name); ip != nil {
			ips = append(ips, ip)
			continue
		}
		if !isHostName(name) {
			c.faults.add(fmt.Sprintf("names[%d]", i), "%.80q is neither a DNS name nor an IP address", name)
		}
		dnsNames = append(dnsNames, name)
	}
	return dnsNames, ips
}

// isHostName is generous: the CA judges names when it signs them.
func isHostName(name string) bool {
	return name != "" && len(name) <= 253 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r == '.' || r == '-' || r == '_' || r == '*' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
