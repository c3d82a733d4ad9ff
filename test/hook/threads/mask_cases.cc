// A program that knows nothing of colibri: signal masks of threads, and of calls, case by case,
// each a line. Run natively and with its threads as coroutines, it must print the same. Nothing in
// a line depends on who runs first.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "test/hook/threads/signals.h"

// The old names are tried, too.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace {

// Masks ------------------------------------------------------------------------------------------

void masks_are_each_ones_own(Line& line) {
  change(SIG_BLOCK, {SIGUSR1});
  Gate changed;
  Gate seen;
  std::string inside;
  const Thread thread([&]() -> void* {
    inside = own_mask();  // inherited
    change(SIG_BLOCK, {SIGUSR2});
    change(SIG_UNBLOCK, {SIGUSR1});
    changed.open();
    seen.pass();
    inside += " " + own_mask();
    return nullptr;
  });
  changed.pass();
  line << own_mask();
  change(SIG_SETMASK, {SIGTERM});
  seen.open();
  thread.join();
  line << inside << own_mask();
  change(SIG_SETMASK, {});
}

void masks_by_all_names(Line& line) {
  const sigset_t one = set_of({SIGUSR1});
  sigset_t before;
  line << sigprocmask(SIG_BLOCK, &one, nullptr) << own_mask();
  line << sighold(SIGUSR2) << own_mask() << sigrelse(SIGUSR1) << own_mask();
  line << error(pthread_sigmask(SIG_SETMASK, &one, &before)) << names_in(before) << own_mask();
  line << error(pthread_sigmask(77, &one, nullptr)) << error(pthread_sigmask(77, nullptr, &before));
  line << sigprocmask(77, &one, nullptr) << error(errno) << own_mask();
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_sigmask(SIG_SETMASK, &one, &before);
  line << sigismember(&before, SIGKILL) << sigismember(&before, SIGSTOP);
  line << sigismember(&before, SIGHUP) << sighold(0) << error(errno);
  change(SIG_SETMASK, {});
}

void a_mask_by_attribute(Line& line) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  const sigset_t set = set_of({SIGUSR2, SIGTERM});
  pthread_attr_setsigmask_np(&attributes, &set);
  std::string inside;
  Thread([&]() -> void* { return inside = own_mask(), nullptr; }, &attributes).join();
  line << inside << own_mask();
  pthread_attr_destroy(&attributes);
}

void children_have_the_mask_of_their_thread(Line& line) {
  const auto status_of = [](pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  change(SIG_BLOCK, {SIGUSR2});
  int inside = -1;
  int shells = -1;
  Thread([&]() -> void* {
    change(SIG_SETMASK, {SIGUSR1});
    sched_yield();
    const pid_t child = fork();
    if (child == 0) _exit(own_mask() == "1" && pending() == "-" ? 7 : 8);
    inside = status_of(child);
    // What the shell keeps away, by the kernel's own word: bit 9 is SIGUSR1's, bit 11 SIGUSR2's.
    const int status = system("[ $(grep SigBlk /proc/self/status | cut -f2) = 0000000000000200 ]");
    shells = WEXITSTATUS(status);
    return nullptr;
  }).join();
  line << inside << shells << own_mask();
  change(SIG_SETMASK, {});
}

// Under the mask of a call -----------------------------------------------------------------------

/// How a wait in another thread ends that lets SIGUSR1 in, which the thread itself keeps away.
template <class Wait>
std::string lets_in(Wait wait, bool sent_before) {
  const Handler handler(SIGUSR1, SA_RESTART);
  Gate blocked;
  Gate sent;
  std::string said;
  const Thread thread([&]() -> void* {
    change(SIG_BLOCK, {SIGUSR1});
    blocked.open();
    if (sent_before) sent.pass();
    const sigset_t open = set_of({});
    const int result = wait(&open);
    said = std::to_string(result) + error(errno) + own_mask() + std::to_string(handled.load());
    return nullptr;
  });
  blocked.pass();
  if (!sent_before) let_it_wait();
  pthread_kill(thread.id(), SIGUSR1);
  sent.open();
  thread.join();
  return said;
}

void calls_with_masks(Line& line) {
  for (const bool sent_before : {true, false}) {
    line << lets_in([](const sigset_t* mask) { return ppoll(nullptr, 0, nullptr, mask); },
                    sent_before);
    line << lets_in(
        [](const sigset_t* mask) { return pselect(0, nullptr, nullptr, nullptr, nullptr, mask); },
        sent_before);
    line << lets_in([](const sigset_t* mask) { return sigsuspend(mask); }, sent_before);
  }
}

void a_wait_keeps_away_what_its_thread_lets_in(Line& line) {
  const Handler handler(SIGUSR1);
  Gate began;
  std::string said;
  const Thread thread([&]() -> void* {
    const sigset_t closed = set_of({SIGUSR1});
    const timespec time{0, 60'000'000};
    began.open();
    const int result = ppoll(nullptr, 0, &time, &closed);
    said = std::to_string(result) + " " + std::to_string(handled.load());
    return nullptr;
  });
  began.pass();
  usleep(5'000);
  pthread_kill(thread.id(), SIGUSR1);
  thread.join();
  line << said << handled.load();
}

void pause_of_one_thread(Line& line) {
  const Handler handler(SIGUSR1, SA_RESTART);
  std::atomic<int> paused{0};
  const auto body = [&]() -> void* {
    const int result = pause();
    paused += result == -1 && errno == EINTR ? 1 : 100;
    return nullptr;
  };
  const Thread first(body);
  const Thread second(body);
  let_it_wait();
  pthread_kill(first.id(), SIGUSR1);
  first.join();
  let_it_wait();
  line << paused.load();
  pthread_kill(second.id(), SIGUSR1);
  second.join();
  line << paused.load() << handled.load();
}

// Handlers ---------------------------------------------------------------------------------------

void a_mask_that_a_handler_sets_ends_with_it(Line& line) {
  struct sigaction action {};
  action.sa_handler = [](int) {
    change(SIG_BLOCK, {SIGUSR2});
    ++handled;
  };
  sigaction(SIGUSR1, &action, nullptr);
  handled = 0;
  raise(SIGUSR1);
  line << handled.load() << own_mask();
  signal(SIGUSR1, SIG_DFL);
}

void a_handler_that_raises_its_own_signal(Line& line) {
  struct sigaction action {};
  action.sa_handler = [](int) {
    const int before = handled++;
    if (before == 0) raise(SIGUSR1);
    value = handled - before;  // 1: it waits until this one is over
  };
  sigaction(SIGUSR1, &action, nullptr);
  handled = 0;
  raise(SIGUSR1);
  line << handled.load() << value.load() << own_mask();
  signal(SIGUSR1, SIG_DFL);
}

sigjmp_buf target;

void a_jump_restores_the_mask(Line& line) {
  struct sigaction action {};
  action.sa_handler = [](int) { siglongjmp(target, 5); };
  sigaction(SIGUSR1, &action, nullptr);
  change(SIG_BLOCK, {SIGUSR2});
  std::string inside;
  Thread([&]() -> void* {
    const int result = sigsetjmp(target, 1);
    if (result == 0) {
      change(SIG_SETMASK, {SIGTERM});
      raise(SIGUSR1);
    }
    inside = std::to_string(result) + " " + own_mask();
    usleep(100);
    inside += " " + own_mask();
    return nullptr;
  }).join();
  line << inside << own_mask();
  change(SIG_SETMASK, {});
  signal(SIGUSR1, SIG_DFL);
}

/// Not among those that are run unless it is named: a coroutine cannot do it.
void a_jump_out_of_a_wait(Line& line) {
  struct sigaction action {};
  action.sa_handler = [](int) { siglongjmp(target, 5); };
  sigaction(SIGUSR1, &action, nullptr);
  int result = -1;
  const Thread thread([&]() -> void* {
    result = sigsetjmp(target, 1);
    if (result == 0) sleep(60);
    return nullptr;
  });
  let_it_wait();
  pthread_kill(thread.id(), SIGUSR1);
  thread.join();
  line << result;
}

std::atomic<pthread_t> next_one{};

void handlers_send_to_others(Line& line) {
  struct sigaction action {};
  action.sa_handler = [](int signal) {
    if (signal == SIGUSR1) pthread_kill(next_one, SIGUSR2);
    handled_by = pthread_self();
    ++handled;
  };
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGUSR2, &action, nullptr);
  handled = 0;
  std::string said;
  const Thread thread([&]() -> void* {
    said = sleep(60) != 0 ? "interrupted" : "slept";
    return nullptr;
  });
  next_one = thread.id();
  let_it_wait();
  raise(SIGUSR1);
  until(handled, 2);
  thread.join();
  line << said << handled.load();
  signal(SIGUSR1, SIG_DFL);
  signal(SIGUSR2, SIG_DFL);
}

constexpr Case kCases[] = {
#define CASE(name) \
  { #name, &name }
    CASE(masks_are_each_ones_own),
    CASE(masks_by_all_names),
    CASE(a_mask_by_attribute),
    CASE(children_have_the_mask_of_their_thread),
    CASE(calls_with_masks),
    CASE(a_wait_keeps_away_what_its_thread_lets_in),
    CASE(pause_of_one_thread),
    CASE(a_mask_that_a_handler_sets_ends_with_it),
    CASE(a_handler_that_raises_its_own_signal),
    CASE(a_jump_restores_the_mask),
    CASE(handlers_send_to_others),
};
constexpr Case kCasesOfTheirOwn[] = {CASE(a_jump_out_of_a_wait)};
#undef CASE

}  // namespace

int main(int count, char** arguments) {
  return run_cases(kCases, kCasesOfTheirOwn, count, arguments);
}
