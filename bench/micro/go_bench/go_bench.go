// Go's goroutines on one processor, beside the C++ libraries of this folder.
//
// Takes the flags of Google Benchmark that interleave.py passes, and prints a line of JSON a case:
// {"name": "yield/go/100", "ns": 61.2}, nanoseconds of CPU time an item (see ../report.h).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// run calls start once its preparations are done, does at least n items of work, and returns how
// many it did.
type benchmark struct {
	name string
	run  func(n int, start func()) int
}

// cpuTime is that of the whole process: the collector's work belongs to the price.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// measure doubles the work until it lasts long enough, then returns the nanoseconds an item.
func measure(b benchmark, atLeast time.Duration) float64 {
	for n := 1000; ; n *= 2 {
		var begun time.Duration
		items := b.run(n, func() {
			runtime.GC() // The garbage of what was before is not this case's.
			begun = cpuTime()
		})
		if spent := cpuTime() - begun; spent >= atLeast {
			return float64(spent.Nanoseconds()) / float64(items)
		}
	}
}

func yieldAmong(goroutines int) func(n int, start func()) int {
	return func(n int, start func()) int {
		yields, stop := 0, false
		var others sync.WaitGroup
		others.Add(goroutines - 1)
		for i := 1; i < goroutines; i++ {
			go func() {
				for ; !stop; yields++ {
					runtime.Gosched()
				}
				others.Done()
			}()
		}
		runtime.Gosched() // The first round makes the stacks.
		start()
		for yields = 0; yields < n; yields++ {
			runtime.Gosched()
		}
		stop = true
		others.Wait() // At most one more round, which is counted.
		return yields
	}
}

// holding calls use with a Block on the stack, live until it returns.
//
//go:noinline
func holding[Block any](use func()) {
	var held Block
	use()
	runtime.KeepAlive(&held)
}

func yieldHolding[Block any](n int, start func()) int {
	yields, stop := 0, false
	var other sync.WaitGroup
	other.Add(1)
	go holding[Block](func() {
		for ; !stop; yields++ {
			runtime.Gosched()
		}
		other.Done()
	})
	holding[Block](func() {
		runtime.Gosched()
		start()
		for yields = 0; yields < n; yields++ {
			runtime.Gosched()
		}
	})
	stop = true
	other.Wait()
	return yields
}

// A new goroutine runs as soon as its maker yields.
func spawnEnd(n int, start func()) int {
	start()
	ended := 0
	end := func() { ended++ }
	for i := 0; i < n; i++ {
		go end()
		runtime.Gosched()
	}
	for ended < n {
		runtime.Gosched()
	}
	return n
}

func spawnJoin(n int, start func()) int {
	start()
	var running sync.WaitGroup
	for i := 0; i < n; i++ {
		running.Add(1)
		go running.Done()
		running.Wait()
	}
	return n
}

// Every way, there and back, is one value handed over.
func pingPong[Value any](n int, start func()) int {
	var value Value
	ping, pong := make(chan Value), make(chan Value)
	go func() {
		for received := range ping {
			pong <- received
		}
	}()
	start()
	for i := 0; i < n; i += 2 {
		ping <- value
		<-pong
	}
	close(ping)
	return (n + 1) / 2 * 2
}

var benchmarks = []benchmark{
	{"yield/go/2", yieldAmong(2)},
	{"yield/go/100", yieldAmong(100)},
	{"yield/go/10000", yieldAmong(10000)},
	{"live_bytes/go/64", yieldHolding[[64]byte]},
	{"live_bytes/go/256", yieldHolding[[256]byte]},
	{"live_bytes/go/1024", yieldHolding[[1024]byte]},
	{"live_bytes/go/4096", yieldHolding[[4096]byte]},
	{"live_bytes/go/16384", yieldHolding[[16384]byte]},
	{"live_bytes/go/65536", yieldHolding[[65536]byte]},
	{"spawn_end/go", spawnEnd},
	{"spawn_join/go", spawnJoin},
	{"park/go", pingPong[struct{}]}, // An empty channel is how goroutines wake each other.
	{"channel/go", pingPong[int]},
}

func main() {
	format := flag.String("benchmark_format", "json", "only json")
	minTime := flag.Float64("benchmark_min_time", 0.5, "seconds a case, at least")
	filter := flag.String("benchmark_filter", ".", "regular expression: which cases to run")
	flag.Parse()
	if *format != "json" {
		fmt.Fprintln(os.Stderr, "go_bench: only --benchmark_format=json is known")
		os.Exit(1)
	}
	chosen := regexp.MustCompile(*filter)
	runtime.GOMAXPROCS(1)
	output := json.NewEncoder(os.Stdout)
	for _, b := range benchmarks {
		if !chosen.MatchString(b.name) {
			continue
		}
		ns := measure(b, time.Duration(*minTime*float64(time.Second)))
		output.Encode(map[string]any{"name": b.name, "ns": ns})
	}
}
