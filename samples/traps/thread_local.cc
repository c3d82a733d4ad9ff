// A trap: `thread_local` is the thread's, and all coroutines of a scheduler share the thread.
//
//   bazel run --config=opt //samples/traps:thread_local
//
// Each request notes its user, waits, and asks who its user is. colibri cannot see such a mistake
// and says nothing of it; but it has variables that belong to the coroutine. Prints:
//
// thread_local: the request of anna answers ben
// CoroutineLocal: the request of anna answers anna
#include <chrono>
#include <cstdio>
#include <string>

#include "colibri/colibri.h"

namespace {

thread_local std::string user_of_thread;
colibri::CoroutineLocal<std::string> user_of_coroutine;

void serve(const std::string& user) {
  user_of_thread = user;
  *user_of_coroutine = user;
  colibri::sleep_for(std::chrono::milliseconds(1));
  if (user != "anna") return;
  std::printf("thread_local: the request of anna answers %s\n", user_of_thread.c_str());
  std::printf("CoroutineLocal: the request of anna answers %s\n", user_of_coroutine->c_str());
}

}  // namespace

int main() {
  return colibri::run([] {
    colibri::TaskGroup requests;
    requests.spawn(serve, "anna");
    requests.spawn(serve, "ben");
    requests.join();
  });
}
