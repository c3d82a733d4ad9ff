// The way in for unmodified programs: this library is preloaded, and the program's `main` runs in a
// coroutine, with all hooks on.
//
//   COLIBRI_PRELOADED=path   this library's own entry in LD_PRELOAD; taken out again before main
//                            runs, so that the program's children are as they always were
//   COLIBRI_DOCTOR=1         instead of main: prints what the hooks reach, and exits with 1 if a
//                            call escapes
//   COLIBRI_THREADS=coroutines   threads that main and others in coroutines start are coroutines,
//                            too; taken out again as well. native:REGEX: but for those of such
//                            names
//   COLIBRI_TLS=share        and their thread-local variables are one for all
//   COLIBRI_SEED=number      and their order follows from it
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "colibri/core/bypass.h"
#include "colibri/core/check.h"
#include "colibri/core/coroutine_exit.h"
#include "colibri/core/libc.h"
#include "colibri/core/run.h"
#include "colibri/hook/object_kind.h"
#include "colibri/hook/report.h"
#include "colibri/hook/thread_data.h"
#include "colibri/hook/threads/main_thread.h"
#include "colibri/hook/threads/native_threads.h"
#include "colibri/hook/threads/seeded_order.h"

namespace colibri {
namespace {

using Main = int (*)(int, char**, char**);
using StartMain = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);

constinit Main program_main = nullptr;
constinit RealFunction real_pthread_exit{"pthread_exit", ::pthread_exit};

/// As large as the thread's own stack would have grown.
std::size_t stack_bytes() noexcept {
  constexpr std::size_t kUsual = 8 * 1024 * 1024;
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUsual;
  return std::clamp<std::size_t>(limit.rlim_cur, smallest_stack_bytes(), kLargestStackBytes);
}

void restore_environment() {
  const char* own = getenv("COLIBRI_PRELOADED");
  const char* all = getenv("LD_PRELOAD");
  if (own == nullptr || all == nullptr) return;
  const std::string entry = own;
  std::string rest = all;
  if (rest.compare(0, entry.size(), entry) == 0) rest.erase(0, entry.size() + 1);
  if (rest.empty()) {
    unsetenv("LD_PRELOAD");
  } else {
    setenv("LD_PRELOAD", rest.c_str(), 1);
  }
  unsetenv("COLIBRI_PRELOADED");
}

/// What the environment says; asked once, since the program's children are not to be told.
std::string take(const char* name) {
  const char* const value = getenv(name);
  std::string taken = value != nullptr ? value : "";
  unsetenv(name);
  return taken;
}

/// What the order of threads is to follow from. Ends the process with a sentence if it is no
/// number.
std::optional<std::uint64_t> take_seed() {
  const std::string text = take("COLIBRI_SEED");
  if (text.empty()) return std::nullopt;
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, seed);
  if (error == std::errc() && stopped == end) return seed;
  std::fprintf(stderr, "colibri: COLIBRI_SEED=%s: this is no number from 0 to 2^64 - 1\n",
               text.c_str());
  std::exit(2);
}

constexpr std::string_view kNative = "native:";

/// `threads`: what COLIBRI_THREADS says. Ends the process with a sentence if it cannot be.
void choose_native_threads(const std::string& threads) {
  if (!threads.starts_with(kNative)) return;
  const char* const pattern = threads.c_str() + kNative.size();
  if (native_threads::choose(pattern)) return;
  std::fprintf(stderr, "colibri: --threads=native:%s: this is no regular expression\n", pattern);
  std::exit(2);
}

/// An allocator's variables mean the thread of the kernel's, and nothing tells them from the
/// program's own where both are one object.
bool mixes_variables() noexcept {
  const auto look = [](dl_phdr_info* executable, std::size_t, void*) {
    return thread_data_image(*executable).size != 0 ? 1 : -1;  // the first one
  };
  return executable_has_allocator() && dl_iterate_phdr(look, nullptr) == 1;
}

[[noreturn]] void run_threads_as_coroutines(const std::function<int()>& main,
                                            const RunOptions& options) {
  const ThreadChoice choice{.chosen_stacks = getenv("COLIBRI_STACK") != nullptr,
                            .shared_variables = take("COLIBRI_TLS") == "share"};
  if (!choice.shared_variables && mixes_variables()) {
    std::fputs(
        "colibri: the program has an allocator in it, whose thread-local variables cannot be told "
        "from the program's own; run it with --tls=share, by which its coroutines share all of "
        "them, or without --threads=coroutines\n",
        stderr);
    std::exit(2);
  }
  Scheduler scheduler(options.stacks, options.engine);
  std::optional<SeededOrder> order;
  if (const auto seed = take_seed()) scheduler.set_conductor(order.emplace(*seed));
  const SpawnOptions main_options{.stack_bytes = options.main_stack_bytes, .name = "main"};
  scheduler.run(scheduler.make(main_options, [&] { run_main_thread(main, choice); }),
                options.grace);
  std::abort();  // the main thread has ended the process
}

/// The program, or another library before this one, has definitions of its own: ours reach nothing.
bool stands_behind() noexcept {
  Dl_info here{};
  Dl_info first{};
  dladdr(reinterpret_cast<const void*>(&stands_behind), &here);
  dladdr(dlsym(RTLD_DEFAULT, "read"), &first);
  if (here.dli_fbase == first.dli_fbase) return false;
  std::fprintf(stderr,
               "colibri: %s defines the hooked calls itself; a program that links colibri needs no "
               "`colibri run`, and tells by colibri::hook::report() what its hooks reach\n",
               first.dli_fname);
  return true;
}

int print_report() {
  const hook::Report report = hook::report();
  std::fputs(report.text().c_str(), stdout);
  std::fflush(stdout);
  return report.complete() ? 0 : 1;
}

int run_main(int count, char** arguments, char** /*environment*/) {
  restore_environment();
  const bool examine = getenv("COLIBRI_DOCTOR") != nullptr;
  if (stands_behind()) return examine ? 2 : program_main(count, arguments, environ);
  if (examine) return print_report();
  const RunOptions options{.main_stack_bytes = stack_bytes()};
  const auto call_main = [=] { return program_main(count, arguments, environ); };
  const std::string threads = take("COLIBRI_THREADS");
  if (threads == "coroutines" || threads.starts_with(kNative)) {
    choose_native_threads(threads);
    run_threads_as_coroutines(call_main, options);
  }
  bool left = false;
  const auto main = [=, &left] {
    try {
      return call_main();
    } catch (...) {
      left = is_forced_unwind();
      throw;
    }
  };
  const int status = run(main, options);
  // Main called pthread_exit: the process lives on as long as its other threads do.
  if (left) real_pthread_exit(nullptr);
  return status;
}

}  // namespace
}  // namespace colibri

extern "C" [[gnu::visibility("default")]] int __libc_start_main(
    colibri::Main main, int count, char** arguments, void (*initialise)(), void (*finish)(),
    void (*finish_loader)(), void* stack_end) {
  using namespace colibri;
  const auto real = reinterpret_cast<StartMain>(dlsym(RTLD_NEXT, "__libc_start_main"));
  check(real != nullptr, "libc has no __libc_start_main");
  program_main = main;
  return real(&run_main, count, arguments, initialise, finish, finish_loader, stack_end);
}
