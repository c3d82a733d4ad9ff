#include "colibri/core/scheduler_watch.h"

#include <new>

#include "colibri/core/scheduler_list.h"

namespace colibri {
namespace {

struct CallMessage final : InboxMessage {
  explicit CallMessage(void (*what)() noexcept) : call(what) {}
  void deliver() noexcept override { call(); }
  void (*call)() noexcept;
};

}  // namespace

void call_on_each_scheduler(void (*call)() noexcept) noexcept {
  for_each_scheduler([call](const ListedScheduler& scheduler) {
    if (scheduler.thread_state == &thread_state) return;
    auto* message = new (std::nothrow) CallMessage(call);
    if (message != nullptr) scheduler.mailbox->post(message);
  });
  if (thread_state.scheduler != nullptr) call();
}

}  // namespace colibri
