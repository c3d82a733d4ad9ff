// The echo server in Go: a goroutine for each connection, one processor for all of them.
//
//	go_server [--host 127.0.0.1] [--port 0] [--buffer-bytes 4096]
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"runtime"
	"strconv"
	"syscall"
)

func raiseDescriptorLimit() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}

func serve(connection net.Conn, bufferBytes int) {
	defer connection.Close()
	buffer := make([]byte, bufferBytes)
	for {
		size, err := connection.Read(buffer)
		if err != nil {
			return
		}
		// Write returns only when all is written, or with an error.
		if _, err := connection.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func main() {
	host := flag.String("host", "127.0.0.1", "address to listen on")
	port := flag.Int("port", 0, "port, 0 for any")
	bufferBytes := flag.Int("buffer-bytes", 4096, "size of one read")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	raiseDescriptorLimit()

	listener, err := net.Listen("tcp4", net.JoinHostPort(*host, strconv.Itoa(*port)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	for {
		connection, err := listener.Accept() // sets TCP_NODELAY by default
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection, *bufferBytes)
	}
}
