// getaddrinfo_a and gai_suspend: lists of lookups.
//
// libc looks up each request of a list on a thread of its own, which writes into the request. A
// coroutine that waits for its list may have the requests on a shared stack, where others' bytes
// lie meanwhile: so helpers make those calls, and the coroutine itself writes. Lists that nobody
// waits for are libc's, as plain threads' lists are.
#include <netdb.h>

#include <algorithm>
#include <span>
#include <vector>

#include "colibri/hook/address_call.h"
#include "colibri/hook/program_memory.h"
#include "colibri/hook/waiting_call.h"

namespace colibri {
namespace {

constinit RealFunction real_look_up_list{"getaddrinfo_a", ::getaddrinfo_a};
constinit RealFunction real_suspend{"gai_suspend", ::gai_suspend};

/// What gai_error says of a request.
void set_state(gaicb& request, int state) noexcept {
  request.__return = state;
}

using Calls = std::vector<std::shared_ptr<AddressCall>>;

/// A call for each request; null for a null one. Throws std::bad_alloc.
Calls calls_for(std::span<gaicb* const> requests) {
  Calls calls(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (const gaicb* each = requests[i]) {
      calls[i] = std::make_shared<AddressCall>(each->ar_name, each->ar_service, each->ar_request);
    }
  }
  return calls;
}

/// Waits for all of them: 0, or the error that ended the wait. The others are given up then, and
/// their requests cancelled.
int collect(std::span<gaicb* const> requests, const Calls& calls) noexcept {
  int error = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i] == nullptr) continue;
    const WaitTerms terms{.deadline = error == 0 ? Deadline::never() : Deadline::at_nanoseconds(0)};
    const int ended_by = error_of(calls[i]->wait(terms));
    if (error == 0) error = ended_by;
    set_state(*requests[i], ended_by == 0 ? calls[i]->result : EAI_CANCELED);
    if (ended_by == 0 && calls[i]->result == 0) requests[i]->ar_result = calls[i]->list;
  }
  return error;
}

int look_up_all(std::span<gaicb* const> requests) {
  const int saved_errno = errno;
  if (!may_begin()) return refuse_lookup(errno);
  try {
    const Calls calls = calls_for(requests);
    for (gaicb* each : requests) {
      if (each != nullptr) set_state(*each, EAI_INPROGRESS);
    }
    for (const auto& each : calls) {
      if (each != nullptr) begin_on_helper(each, HelperSet::kNames);
    }
    if (const int error = collect(requests, calls); error != 0) return refuse_lookup(error);
  } catch (const std::bad_alloc&) {
    return refuse_lookup(ENOMEM);
  }
  errno = saved_errno;
  return 0;
}

/// True if libc's threads write to where others' bytes would lie if the caller parked.
bool any_anothers_while_parked(std::span<const gaicb* const> requests) noexcept {
  return std::any_of(requests.begin(), requests.end(), [](const gaicb* each) {
    return each != nullptr && is_anothers_while_parked(each, sizeof *each);
  });
}

std::ptrdiff_t count_in_progress(std::span<const gaicb* const> requests) noexcept {
  return std::count_if(requests.begin(), requests.end(), [](const gaicb* each) {
    return each != nullptr && gai_error(const_cast<gaicb*>(each)) == EAI_INPROGRESS;
  });
}

/// Looks in pauses that grow from 1 ms to 20 ms: nothing tells of the end of libc's own lookups.
/// libc's gai_suspend is not asked: it leaves entries of its stack in the list of a request that is
/// done but whose waiters have not been told yet (glibc 2.36).
int suspend_until(std::span<const gaicb* const> requests, Deadline deadline) {
  const int saved_errno = errno;
  if (!may_begin()) return refuse_lookup(errno);
  GrowingPause pause(std::chrono::milliseconds(1), std::chrono::milliseconds(20));
  const std::ptrdiff_t at_first = count_in_progress(requests);
  if (at_first == 0) return EAI_ALLDONE;
  while (count_in_progress(requests) == at_first) {
    if (deadline.has_passed()) return EAI_AGAIN;
    const WakeReason reason =
        thread_state.scheduler->park({.deadline = std::min(deadline, pause.begin()),
                                      .kind = WaitKind::kOther,
                                      .interruptible = true,
                                      .never_restarts = true});
    errno = saved_errno;
    if (reason == WakeReason::kInterrupted) return EAI_INTR;
    if (reason == WakeReason::kOutOfMemory) thread_state.scheduler->yield_to_loop();
    if (reason == WakeReason::kLimit || reason == WakeReason::kCanceled) {
      return refuse_lookup(error_of(reason));
    }
  }
  return 0;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int getaddrinfo_a(int mode, gaicb** list, int count, sigevent* event) {
  if (mode != GAI_WAIT || count <= 0 || parkable_coroutine() == nullptr) {
    return real_look_up_list(mode, list, count, event);
  }
  return look_up_all({list, static_cast<std::size_t>(count)});
}

int gai_suspend(const gaicb* const* list, int count, const timespec* timeout) {
  const bool has_requests = list != nullptr && count > 0;
  if (parkable_coroutine() == nullptr || !has_requests ||
      (timeout != nullptr && !is_valid_timeout(*timeout))) {
    return real_suspend(list, count, timeout);
  }
  const std::span<const gaicb* const> requests(list, static_cast<std::size_t>(count));
  if (any_anothers_while_parked(requests)) return real_suspend(list, count, timeout);
  return suspend_until(requests, Patience::of(timeout, nullptr).deadline);
}

}  // extern "C"
