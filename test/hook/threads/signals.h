// What programs are made of that say what signals do to their threads.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>
#include <string>

#include "test/hook/threads/cases.h"

inline const int kQueued = SIGRTMIN + 3;

inline sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : signals) sigaddset(&set, each);
  return set;
}

inline void change(int how, std::initializer_list<int> signals) {
  const sigset_t set = set_of(signals);
  pthread_sigmask(how, &set, nullptr);
}

/// The signals of interest that the caller keeps away, and those that are pending for it.
inline std::string names_in(const sigset_t& set) {
  std::string names;
  for (const int each : {SIGUSR1, SIGUSR2, SIGTERM, kQueued}) {
    if (sigismember(&set, each) == 0) continue;
    names += each == SIGUSR1 ? "1" : each == SIGUSR2 ? "2" : each == SIGTERM ? "T" : "Q";
  }
  return names.empty() ? "-" : names;
}
inline std::string own_mask() {
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, nullptr, &set);
  return names_in(set);
}
inline std::string pending() {
  sigset_t set;
  sigpending(&set);
  return names_in(set);
}

inline std::atomic<int> handled{0};
inline std::atomic<pthread_t> handled_by{};
inline std::atomic<int> value{0};

/// While it lives, `signal` is handled: counted, with the thread that it ran in.
class Handler {
 public:
  explicit Handler(int signal, int flags = 0) : signal_(signal) {
    handled = 0;
    struct sigaction action {};
    action.sa_flags = flags | SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
      handled_by = pthread_self();
      value = info->si_value.sival_int;
      ++handled;
    };
    sigaction(signal, &action, nullptr);
  }
  ~Handler() { signal(signal_, SIG_DFL); }

 private:
  const int signal_;
};

inline void until(const std::atomic<int>& counter, int number) {
  while (counter < number) usleep(500);
}

/// Long enough for a thread to be in the call that it was about to make.
inline void let_it_wait() {
  usleep(20'000);
}
