// Go's net/http, which answers every request with the same text, on one processor.
//
//	go_server [--host 127.0.0.1] [--port 0]
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime"
	"strconv"
)

func main() {
	host := flag.String("host", "127.0.0.1", "address to listen on")
	port := flag.Int("port", 0, "port, 0 for any")
	flag.Parse()
	runtime.GOMAXPROCS(1)

	listener, err := net.Listen("tcp4", net.JoinHostPort(*host, strconv.Itoa(*port)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	text := []byte("hello\n")
	log.Fatal(http.Serve(listener, http.HandlerFunc(
		func(answer http.ResponseWriter, request *http.Request) {
			answer.Header().Set("Content-Type", "text/plain")
			answer.Write(text)
		})))
}
