# Touchmark as one static binary that runs as nobody in particular.
FROM golang:1.26-bookworm AS build
ARG VERSION=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make build VERSION="$VERSION"

FROM alpine:3.22
RUN install -d -o 65532 -g 65532 /var/lib/touchmark
COPY --from=build /src/bin/touchmark /usr/local/bin/touchmark
USER 65532:65532
VOLUME /var/lib/touchmark
EXPOSE 8443 9443 8080 9090
ENTRYPOINT ["touchmark"]
CMD ["serve", "--config", "/var/lib/touchmark/lab/touchmark.yaml"]
