package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/cmd/touchmark/config"
	"github.com/touchmark/touchmark/cmd/touchmark/server"
)

// configFlag adds --config to a command.
func configFlag(command *cobra.Command, path *string) {
	command.Flags().StringVarP(path, "config", "c", "touchmark.yaml", "the configuration `FILE`")
	_ = command.MarkFlagFilename("config", "yaml", "yml") // the flag is there
}

func newServe() *cobra.Command {
	var path, level string
	var acceptClock bool
	var at config.Addresses
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server that a configuration describes.

It is ready when GET /readyz on the status listener answers 200. The log is JSON
on standard error, one event a line, with the id of the request that each is
about and no secrets. SIGTERM and SIGINT finish what is in flight, lose nothing,
and end it with exit code 0. SIGHUP reads the configuration and the folder of the
issuers again: all that can change without a restart does, or nothing where
anything is wrong, and one line of the log says what changed, what is wrong, and
which changed keys need a restart (touchmark config keys lists them).

When the store can promise nothing any more, after a failed fsync for example, it
ends with exit code 6; a restart needs no repair. It does not begin, with exit code
5, on a store that another process has, that a newer Touchmark wrote, or that is an
unfinished copy.

Where the machine's clock is behind the last record, or far ahead of it, nothing is
issued; the log says so. Set the clock right, or where it is, start once with
--accept-clock.

With a store on PostgreSQL any number of servers may share one configuration and
its folder, on several machines or, told where to listen, on one.`,
		Example: `  touchmark serve --config lab/touchmark.yaml
  curl http://127.0.0.1:8080/readyz
  touchmark serve --config lab/touchmark.yaml --device-addr 127.0.0.1:8444 \
    --api-addr 127.0.0.1:9444 --status-addr 127.0.0.1:8081 --metrics-addr off`,
		Args: takes(),
		RunE: func(command *cobra.Command, _ []string) error {
			var said slog.Level // by --log-level
			if err := said.UnmarshalText([]byte(level)); level != "" && err != nil {
				return wrong(command, "--log-level is debug, info, warn or error, not %q", level)
			}
			read := func() (*config.Settings, []config.Fault, error) {
				settings, warnings, err := config.LoadAt(path, at)
				if err == nil && level != "" {
					settings.LogLevel = said
				}
				return settings, warnings, err
			}
			// From here on, so that one that comes early ends nothing.
			again := make(chan os.Signal, 1)
			signal.Notify(again, syscall.SIGHUP)
			defer signal.Stop(again)
			settings, warnings, err := read()
			if err != nil {
				return err
			}
			least := new(slog.LevelVar)
			least.Set(settings.LogLevel)
			log := newLog(command.ErrOrStderr(), least)
			for _, warning := range warnings {
				log.Warn("configuration", "key", warning.Key, "warning", warning.Text)
			}
			settings.Clock.Accept = acceptClock
			boundMemory(settings.Memory)
			return server.Run(command.Context(), server.Config{
				Settings: settings, Version: readVersion().Version, Clock: time.Now, Rand: rand.Reader, Log: log,
				Level: least, Reload: again, Read: read,
			})
		},
	}
	configFlag(command, &path)
	flags := command.Flags()
	flags.StringVar(&at.Device, "device-addr", "", "where devices and stations connect (default: as the configuration says)")
	flags.StringVar(&at.API, "api-addr", "", "where people and programs connect (likewise)")
	flags.StringVar(&at.Status, "status-addr", "", "where CRLs and OCSP are served (likewise)")
	flags.StringVar(&at.Metrics, "metrics-addr", "", "where Prometheus asks, or off (likewise)")
	flags.BoolVar(&acceptClock, "accept-clock", false, "take the machine's clock for right, whatever the records say")
	flags.StringVar(&level, "log-level", "", "debug, info, warn or error (default: as the configuration says)")
	return command
}
