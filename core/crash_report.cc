#include "colibri/core/crash_report.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include "colibri/core/last_words.h"
#include "colibri/core/libc.h"

namespace colibri {
namespace {

constinit RealFunction real_pause{"pause", ::pause};

constexpr std::size_t kReportStackBytes = 256 * 1024;
constexpr unsigned kMostSeconds = 5;

constinit std::byte* report_stack = nullptr;
constinit std::atomic<bool> reporting{false};
constinit int fatal_signal = 0;

void end_now(int /*alarm*/) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  real::sigaction(fatal_signal, &action, nullptr);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, fatal_signal);
  pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
  pthread_kill(pthread_self(), fatal_signal);
}

/// The process ends anyway, so nobody else needs the alarm.
void limit_time(int signal) noexcept {
  fatal_signal = signal;
  struct sigaction action {};
  action.sa_handler = &end_now;
  real::sigaction(SIGALRM, &action, nullptr);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
  alarm(kMostSeconds);
}

}  // namespace

void prepare_crash_report() noexcept {
  void* base = mmap(nullptr, kReportStackBytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (base != MAP_FAILED) report_stack = static_cast<std::byte*>(base);
  real_pause.find();  // a signal handler must not be the first to look
}

bool write_crash_report(int signal, StackPointer& handler, ContextEntry write,
                        void* argument) noexcept {
  if (report_stack == nullptr) return false;
  while (reporting.exchange(true)) real_pause();
  limit_time(signal);
  prepare_last_words();
  StackPointer target = make_context(report_stack + kReportStackBytes, write, argument);
  colibri_context_switch(&handler, target);
  reporting.store(false);
  return true;
}

void add_coroutine(SignalText& text, const ControlBlock& coroutine) noexcept {
  const Origin origin = origin_of(coroutine.origin);
  text.add("coroutine ").add_number(coroutine.id);
  if (*origin.name != '\0') text.add(" '").add(origin.name).add("'");
  text.add(" spawned at ").add(origin.site.file).add(":").add_number(origin.site.line);
}

}  // namespace colibri
