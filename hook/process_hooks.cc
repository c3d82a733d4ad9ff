// wait, waitpid, wait3, wait4, waitid.
#include <sys/resource.h>
#include <sys/wait.h>

#include "colibri/hook/child_wait.h"
#include "colibri/hook/counted_call.h"

namespace colibri {
namespace {

constinit RealFunction real_wait4{"wait4", ::wait4};

pid_t hooked_wait(pid_t process, int* status, int options, rusage* usage) {
  if (parkable_coroutine() == nullptr || (options & WNOHANG) != 0) {
    return pass_through([&] { return real_wait4(process, status, options, usage); });
  }
  if (!may_begin()) return -1;
  return wait_until_reported(ChildQuestion::of_wait(process, options), true,
                             [&] { return real_wait4(process, status, options | WNOHANG, usage); });
}

/// One try of waitid: 0 while there is nothing to report, otherwise -1 or a child.
pid_t try_waitid(const ChildQuestion& question, siginfo_t* info) {
  siginfo_t own{};
  siginfo_t* const target = info != nullptr ? info : &own;
  const int result = real::waitid(question.kind, question.id, target, question.options | WNOHANG);
  return result < 0 ? -1 : target->si_pid;
}

/// True where the program's own O_NONBLOCK is on the pidfd that it waits with.
bool is_nonblocking(idtype_t kind, id_t id) noexcept {
  return kind == P_PIDFD && parkable_descriptor(static_cast<int>(id)) == nullptr;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

pid_t waitpid(pid_t process, int* status, int options) {
  return counted<"waitpid">(&hooked_wait, process, status, options, static_cast<rusage*>(nullptr));
}

pid_t wait(int* status) {
  return counted<"wait">(&hooked_wait, -1, status, 0, static_cast<rusage*>(nullptr));
}

pid_t wait3(int* status, int options, rusage* usage) noexcept {
  return counted<"wait3">(&hooked_wait, -1, status, options, usage);
}

pid_t wait4(pid_t process, int* status, int options, rusage* usage) noexcept {
  return counted<"wait4">(&hooked_wait, process, status, options, usage);
}

int waitid(idtype_t kind, id_t id, siginfo_t* info, int options) {
  if (parkable_coroutine() == nullptr || (options & WNOHANG) != 0 || is_nonblocking(kind, id)) {
    return pass_through([&] { return real::waitid(kind, id, info, options); });
  }
  if (!may_begin()) return -1;
  const ChildQuestion question{kind, id, options};
  const pid_t child =
      wait_until_reported(question, true, [&] { return try_waitid(question, info); });
  return child < 0 ? -1 : 0;
}

}  // extern "C"
