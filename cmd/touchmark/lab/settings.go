package lab

import (
	_ "embed"
	"fmt"
	"net"
	"strings"
	"text/template"

	"github.com/goccy/go-yaml"
)

//go:embed touchmark.yaml.tmpl
var configurationTemplate string

// configuration writes touchmark.yaml. Every value is quoted as YAML.
func configuration(o Options, origin string) ([]byte, error) {
	quote := func(value string) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSpace(string(text)), err
	}
	t, err := template.New("touchmark.yaml").Funcs(template.FuncMap{"yaml": quote}).Parse(configurationTemplate)
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	var text strings.Builder
	err = t.Execute(&text, struct {
		Options
		Origin string
	}{o, origin})
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return []byte(text.String()), nil
}

// publicURL is how this machine reaches a status listener at addr.
func publicURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr // the check of the configuration says what is wrong
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
