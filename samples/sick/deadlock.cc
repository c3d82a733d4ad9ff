// A sick server: two coroutines wait for each other, for ever.
//
//   bazel run --config=opt //samples/sick:deadlock
//
// A transfer locks the account that the money leaves, and then the one that it goes to. Two
// transfers in opposite directions each hold what the other one wants. Nobody is left who could
// wake them, and colibri says so: each coroutine, what it waits for and who holds that, and its
// stack. The exit status is 2.
//
// With --page there is an admin page besides, whose address is printed. Then somebody may come, so
// the process goes on; and the page shows who waits for whom.
#include <cstdio>
#include <mutex>
#include <string_view>

#include "colibri/colibri.h"
#include "colibri/net/admin_page.h"

namespace {

struct Account {
  colibri::Mutex lock;
  long balance = 100;
};

void transfer(Account& from, Account& to, long amount) {
  const std::lock_guard from_guard(from.lock);
  colibri::yield();  // a look at a database, say
  const std::lock_guard to_guard(to.lock);
  from.balance -= amount;
  to.balance += amount;
}

void serve_page() {
  colibri::AdminPage page;
  std::printf("http://%s/\n", page.address().to_string().c_str());
  std::fflush(stdout);
  page.run();
}

}  // namespace

int main(int count, char** arguments) {
  const bool with_page = count > 1 && std::string_view(arguments[1]) == "--page";
  Account anna;
  Account ben;
  return colibri::run([&] {
    if (with_page) colibri::go(serve_page);
    auto there =
        colibri::spawn({.name = "anna to ben"}, transfer, std::ref(anna), std::ref(ben), 10);
    auto back =
        colibri::spawn({.name = "ben to anna"}, transfer, std::ref(ben), std::ref(anna), 20);
    there.join();
    back.join();
    std::printf("transferred\n");
  });
}
