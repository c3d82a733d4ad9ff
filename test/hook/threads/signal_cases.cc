// A program that knows nothing of colibri: signals that are sent to one thread, or to the process,
// case by case, each a line. Run natively and with its threads as coroutines, it must print the
// same. Nothing in a line depends on who runs first.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "test/hook/threads/signals.h"

namespace {

// Sent to a thread -------------------------------------------------------------------------------

void waits_until_it_is_let_in(Line& line) {
  const Handler handler(SIGUSR1);
  Gate blocked;
  Gate sent;
  std::string inside;
  const Thread thread([&]() -> void* {
    change(SIG_BLOCK, {SIGUSR1});
    blocked.open();
    sent.pass();
    inside = pending() + " " + std::to_string(handled.load());
    change(SIG_UNBLOCK, {SIGUSR1});
    inside += " " + pending() + " " + std::to_string(handled.load());
    inside += handled_by == pthread_self() ? " own" : " another's";
    return nullptr;
  });
  blocked.pass();
  line << error(pthread_kill(thread.id(), SIGUSR1)) << error(pthread_kill(thread.id(), SIGUSR1));
  line << pending() << handled.load();
  sent.open();
  thread.join();
  line << inside;
}

void queues_with_values(Line& line) {
  const Handler handler(kQueued);
  std::string inside;
  Gate blocked;
  Gate sent;
  const Thread thread([&]() -> void* {
    change(SIG_BLOCK, {kQueued});
    blocked.open();
    sent.pass();
    const sigset_t set = set_of({kQueued});
    siginfo_t info{};
    for (int i = 0; i < 2; ++i) {
      inside += sigwaitinfo(&set, &info) == kQueued ? "queued " : "other ";
      inside += std::to_string(info.si_value.sival_int) + " ";
      inside += info.si_code == SI_QUEUE && info.si_pid == getpid() ? "right " : "wrong ";
    }
    change(SIG_UNBLOCK, {kQueued});
    inside += std::to_string(handled.load()) + " " + std::to_string(value.load());
    return nullptr;
  });
  blocked.pass();
  for (const int each : {11, 12, 13}) {
    sigval given{};
    given.sival_int = each;
    line << error(pthread_sigqueue(thread.id(), kQueued, given));
  }
  sent.open();
  thread.join();
  line << inside;
}

/// The handler runs in the thread that it was sent to.
void runs_in_its_thread(Line& line) {
  const Handler handler(SIGUSR1, SA_RESTART);
  Gate gate;
  const Thread thread([&]() -> void* { return gate.pass(), nullptr; });
  let_it_wait();
  line << error(pthread_kill(thread.id(), SIGUSR1));
  until(handled, 1);
  line << (pthread_equal(handled_by, thread.id()) != 0);
  line << error(pthread_kill(pthread_self(), SIGUSR1)) << handled.load();
  line << (pthread_equal(handled_by, pthread_self()) != 0);
  gate.open();
  thread.join();
}

thread_local int mine = 0;

void sees_its_threads_variables(Line& line) {
  struct sigaction action {};
  action.sa_handler = [](int) { ++mine, ++handled; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  handled = 0;
  mine = 100;
  Gate gate;
  const Thread thread([&]() -> void* {
    mine = 10;
    gate.pass();
    return reinterpret_cast<void*>(static_cast<long>(mine));
  });
  let_it_wait();
  pthread_kill(thread.id(), SIGUSR1);
  until(handled, 1);
  line << mine;
  gate.open();
  line << reinterpret_cast<long>(thread.join());
  signal(SIGUSR1, SIG_DFL);
}

/// What a thread that reads, or polls, from a pipe says after a signal, and then a byte.
std::string interrupted_wait(int flags, bool polls) {
  const Handler handler(SIGUSR1, flags);
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  std::string said;
  const Thread thread([&]() -> void* {
    char byte = 0;
    pollfd query{ends[0], POLLIN, 0};
    const ssize_t result = polls ? poll(&query, 1, -1) : read(ends[0], &byte, 1);
    said = result < 0 ? error(errno) : std::to_string(result);
    return nullptr;
  });
  let_it_wait();
  pthread_kill(thread.id(), SIGUSR1);
  until(handled, 1);
  let_it_wait();
  (void)!write(ends[1], "x", 1);
  thread.join();
  close(ends[0]);
  close(ends[1]);
  return said;
}

void interrupts_its_threads_wait_alone(Line& line) {
  line << interrupted_wait(0, false) << interrupted_wait(SA_RESTART, false);
  line << interrupted_wait(0, true) << interrupted_wait(SA_RESTART, true);
}

void raise_is_for_the_caller(Line& line) {
  const Handler handler(SIGUSR1);
  std::string inside;
  Thread([&]() -> void* {
    change(SIG_BLOCK, {SIGUSR1});
    inside = std::to_string(raise(SIGUSR1));
    inside += " " + pending();
    sched_yield();
    inside += " " + std::to_string(handled.load());
    change(SIG_UNBLOCK, {SIGUSR1});
    inside += " " + std::to_string(handled.load());
    inside += handled_by == pthread_self() ? " own" : " another's";
    return nullptr;
  }).join();
  line << inside << tgkill(getpid(), gettid(), SIGUSR1) << handled.load();
  line << raise(100) << error(errno) << raise(0);
}

void what_is_pending_for_one_is_not_for_another(Line& line) {
  change(SIG_BLOCK, {SIGUSR1});
  Gate sent;
  Gate looked;
  std::string inside;
  const Thread thread([&]() -> void* {
    sent.pass();
    const timespec at_once{};
    const sigset_t set = set_of({SIGUSR1});
    inside = pending();
    looked.open();
    inside += " " + std::to_string(sigtimedwait(&set, nullptr, &at_once) == SIGUSR1);
    inside += " " + pending();
    return nullptr;
  });
  pthread_kill(thread.id(), SIGUSR1);
  const timespec at_once{};
  const sigset_t set = set_of({SIGUSR1});
  line << pending() << sigtimedwait(&set, nullptr, &at_once) << error(errno);
  sent.open();
  looked.pass();
  thread.join();
  line << inside;
  change(SIG_SETMASK, {});
}

void is_gone_once_it_is_ignored(Line& line) {
  const Handler handler(SIGUSR1);
  change(SIG_BLOCK, {SIGUSR1});
  pthread_kill(pthread_self(), SIGUSR1);
  line << pending();
  signal(SIGUSR1, SIG_IGN);
  line << pending();
  change(SIG_SETMASK, {});
}

// Sent to the process ----------------------------------------------------------------------------

/// All keep it away but one.
void goes_to_who_lets_it_in(Line& line) {
  const Handler handler(SIGUSR1);
  change(SIG_BLOCK, {SIGUSR1});
  std::string said;
  const Thread open([&]() -> void* {
    change(SIG_UNBLOCK, {SIGUSR1});
    said = sleep(60) != 0 ? "interrupted" : "slept";
    return nullptr;
  });
  let_it_wait();
  kill(getpid(), SIGUSR1);
  until(handled, 1);
  line << (pthread_equal(handled_by, open.id()) != 0);
  open.join();
  line << said << handled.load() << pending();
  change(SIG_SETMASK, {});
}

void interrupts_mains_wait(Line& line) {
  const Handler handler(SIGUSR1);
  const Thread thread([]() -> void* {
    let_it_wait();
    kill(getpid(), SIGUSR1);
    return nullptr;
  });
  line << (sleep(60) != 0 ? "interrupted" : "slept") << handled.load();
  thread.join();
}

void sigwait_of_one_while_others_run(Line& line) {
  change(SIG_BLOCK, {SIGUSR1, SIGUSR2, kQueued});
  std::string said;
  std::atomic<int> taken{0};
  const Thread waiter([&]() -> void* {
    const sigset_t set = set_of({SIGUSR1, SIGUSR2, kQueued});
    for (int i = 0; i < 4; ++i) {
      int signal = 0;
      sigwait(&set, &signal);
      said += signal == SIGUSR1 ? "1" : signal == SIGUSR2 ? "2" : "Q";
      ++taken;
    }
    return nullptr;
  });
  std::atomic<bool> stop{false};
  const Thread busy([&]() -> void* {
    while (!stop) usleep(200);
    return nullptr;
  });
  kill(getpid(), SIGUSR1);
  until(taken, 1);
  pthread_kill(waiter.id(), SIGUSR2);
  until(taken, 2);
  let_it_wait();
  pthread_kill(waiter.id(), SIGUSR1);
  until(taken, 3);
  let_it_wait();
  sigqueue(getpid(), kQueued, {});
  waiter.join();
  stop = true;
  busy.join();
  line << said << pending();
  change(SIG_SETMASK, {});
}

void sigtimedwait_ends_with_its_time(Line& line) {
  change(SIG_BLOCK, {SIGUSR1});
  const timespec soon{0, 3'000'000};
  const sigset_t set = set_of({SIGUSR1});
  std::string said;
  Thread([&]() -> void* {
    said = std::to_string(sigtimedwait(&set, nullptr, &soon));
    said += " " + error(errno);
    return nullptr;
  }).join();
  line << said << own_mask();
  change(SIG_SETMASK, {});
}

constexpr Case kCases[] = {
#define CASE(name) \
  { #name, &name }
    CASE(waits_until_it_is_let_in),
    CASE(queues_with_values),
    CASE(runs_in_its_thread),
    CASE(sees_its_threads_variables),
    CASE(interrupts_its_threads_wait_alone),
    CASE(raise_is_for_the_caller),
    CASE(what_is_pending_for_one_is_not_for_another),
    CASE(is_gone_once_it_is_ignored),
    CASE(goes_to_who_lets_it_in),
    CASE(interrupts_mains_wait),
    CASE(sigwait_of_one_while_others_run),
    CASE(sigtimedwait_ends_with_its_time),
};
#undef CASE

}  // namespace

int main(int count, char** arguments) {
  return run_cases(kCases, {}, count, arguments);
}
