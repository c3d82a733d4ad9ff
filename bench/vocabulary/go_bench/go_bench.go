// Go's channels, select and goroutines, beside colibri's.
//
// Takes the flags of Google Benchmark that interleave.py passes, and prints a line of JSON a case:
// {"name": "channel/go", "ns": 118.0}, nanoseconds an item: of CPU time, but for skynet_threads
// and channel_threads_time, where it is the time that passes.
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

// run does at least n items of work, and returns how many it did.
type benchmark struct {
	name       string
	processors int
	realTime   bool
	run        func(n int) int
}

// now is the CPU time of the whole process, or the time on the wall.
func now(real bool) time.Duration {
	if real {
		return time.Duration(time.Now().UnixNano())
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// measure doubles the work until it lasts long enough, then returns the nanoseconds an item.
func measure(b benchmark, atLeast time.Duration) float64 {
	runtime.GOMAXPROCS(b.processors)
	for n := 1000; ; n *= 2 {
		runtime.GC() // The garbage of what was before is not this case's.
		begun := now(b.realTime)
		items := b.run(n)
		if spent := now(b.realTime) - begun; spent >= atLeast {
			return float64(spent.Nanoseconds()) / float64(items)
		}
	}
}

func pingPong(n int) int {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for value := range ping {
			pong <- value
		}
	}()
	for i := 0; i < n; i += 2 {
		ping <- 1
		<-pong
	}
	close(ping)
	return n
}

func stream(n int) int {
	numbers := make(chan int, 128)
	go func() {
		for i := 0; i < n; i++ {
			numbers <- i
		}
		close(numbers)
	}()
	for range numbers {
	}
	return n
}

func selectOfFour(n int) int {
	var all [4]chan int
	for i := range all {
		all[i] = make(chan int)
	}
	go func() {
		for i := 0; i < n; i++ {
			all[i%4] <- 1
		}
	}()
	for i := 0; i < n; i++ {
		select {
		case <-all[0]:
		case <-all[1]:
		case <-all[2]:
		case <-all[3]:
		}
	}
	return n
}

func mutexUncontended(n int) int {
	var mutex sync.Mutex
	for i := 0; i < n; i++ {
		mutex.Lock()
		mutex.Unlock()
	}
	return n
}

const leaves = 1000000

func skynet(parent chan int, number, size int) {
	if size == 1 {
		parent <- number
		return
	}
	children := make(chan int)
	for i := 0; i < 10; i++ {
		go skynet(children, number+i*(size/10), size/10)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	parent <- sum
}

func skynetOfAMillion(n int) int {
	items := 0
	for ; items < n; items += leaves {
		root := make(chan int)
		go skynet(root, 0, leaves)
		if <-root != leaves*(leaves-1)/2 {
			panic("a wrong sum")
		}
	}
	return items
}

const primes = 500

func sieve(n int) int {
	items := 0
	for ; items < n; items += primes {
		over := make(chan struct{})
		numbers := make(chan int)
		go func(to chan int) {
			for number := 2; ; number++ {
				select {
				case to <- number:
				case <-over:
					close(to)
					return
				}
			}
		}(numbers)
		for i := 0; i < primes; i++ {
			prime := <-numbers
			filtered := make(chan int)
			go func(from, to chan int) {
				for number := range from {
					if number%prime != 0 {
						to <- number
					}
				}
				close(to)
			}(numbers, filtered)
			numbers = filtered
		}
		close(over)
		for range numbers {
		}
	}
	return items
}

const ringSize = 1000

func ring(n int) int {
	first := make(chan int)
	last := first
	for i := 0; i < ringSize; i++ {
		next := make(chan int)
		go func(from, to chan int) {
			for token := range from {
				to <- token + 1
			}
			close(to)
		}(last, next)
		last = next
	}
	items := 0
	for ; items < n; items += ringSize + 1 {
		first <- 0
		<-last
	}
	close(first)
	<-last
	return items
}

var benchmarks = []benchmark{
	{"channel/go", 1, false, pingPong},
	{"channel_threads/go", 2, false, pingPong},
	{"channel_threads_time/go", 2, true, pingPong},
	{"stream/go", 1, false, stream},
	{"select4/go", 1, false, selectOfFour},
	{"mutex/go", 1, false, mutexUncontended},
	{"skynet/go", 1, false, skynetOfAMillion},
	{"skynet_threads/go", 2, true, skynetOfAMillion},
	{"sieve/go", 1, false, sieve},
	{"ring/go", 1, false, ring},
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
	output := json.NewEncoder(os.Stdout)
	for _, b := range benchmarks {
		if !chosen.MatchString(b.name) {
			continue
		}
		ns := measure(b, time.Duration(*minTime*float64(time.Second)))
		output.Encode(map[string]any{"name": b.name, "ns": ns})
	}
}
