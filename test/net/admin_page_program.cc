// A program with an admin page, for a browser to look at: some work, and coroutines as told, two of
// which wait for each other. Prints the address; ends with its standard input.
#include <unistd.h>

#include <cstdio>

#include "colibri/core/channel.h"
#include "colibri/core/libc.h"
#include "colibri/core/offload.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/admin_page.h"

namespace {

constexpr char kCoroutines[] = R"({"groups":[
{"state":"parked","coroutines":10000,
 "stack":["colibri::wait_ready+0x40","recv+0x1c","serve(int)+0x88","coroutine_entry+0x12"],
 "described":[
 {"id":12,"name":"connection","site":"server.cc:41","state":"parked","scheduler":1,
  "wait":"readable fd 7 127.0.0.1:7777←127.0.0.1:51234","since":3.25,"stack_bytes":512},
 {"id":13,"name":"connection","site":"server.cc:41","state":"parked","scheduler":1,
  "wait":"readable fd 8 127.0.0.1:7777←127.0.0.1:51235","since":0.0015,"stack_bytes":512}]},
{"state":"parked","coroutines":1,
 "stack":["colibri::Mutex::lock+0x20","write_report()+0x33","coroutine_entry+0x12"],
 "described":[
 {"id":77,"name":"writer","site":"report.cc:7","state":"parked","scheduler":1,
  "wait":"mutex held by #78 'reader'","since":61.5,"stack_bytes":1024}]},
{"state":"parked","coroutines":1,
 "stack":["colibri::Mutex::lock+0x20","read_report()+0x44","coroutine_entry+0x12"],
 "described":[
 {"id":78,"name":"reader","site":"report.cc:9","state":"parked","scheduler":1,
  "wait":"mutex held by #77 'writer'","since":61.5,"stack_bytes":1024}]},
{"state":"created","coroutines":1,"stack":[],
 "described":[
 {"id":99,"name":"<img src=x onerror=document.title=1>","site":"evil.cc:1","state":"created",
  "scheduler":1,"wait":"","since":null,"stack_bytes":0}]}],
"chains":[
{"is_cycle":true,"cycle_begin":0,"links":[
 {"id":77,"name":"writer","wait":"mutex held by #78 'reader'"},
 {"id":78,"name":"reader","wait":"mutex held by #77 'writer'"}]},
{"is_cycle":false,"cycle_begin":0,"links":[
 {"id":5,"name":"main","wait":"the end of #77 'writer'"},
 {"id":77,"name":"writer","wait":"mutex held by #78 'reader'"}]}]})";

void work() {
  colibri::Channel<int> numbers(4);
  colibri::go([numbers]() mutable {
    for (int number : numbers) colibri::sleep_for(std::chrono::microseconds(100 * (number % 7)));
  });
  for (int i = 0;; ++i) {
    numbers.send(i);
    if (i % 50 == 0) colibri::offload([] { return 0; });
  }
}

}  // namespace

int main() {
  return colibri::run([] {
    colibri::AdminPage page({.coroutines = [] { return std::string(kCoroutines); }});
    std::printf("%s\n", page.address().to_string().c_str());
    std::fflush(stdout);
    colibri::go(work);
    colibri::go([&page] {
      colibri::offload([] {
        char byte;
        return colibri::real::read(0, &byte, 1);
      });
      page.stop();
    });
    page.run();
  });
}
