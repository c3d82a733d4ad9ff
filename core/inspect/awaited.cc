#include "colibri/core/inspect/awaited.h"

#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "colibri/core/clock.h"
#include "colibri/core/event_loop.h"
#include "colibri/core/inspect/words.h"
#include "colibri/core/task.h"
#include "colibri/core/wait.h"

namespace colibri {
namespace {

/// Copies what may not be there any more; false if it is not. The kernel looks, not we.
bool copy_if_there(void* to, const void* from, std::size_t size) noexcept {
  const int saved_errno = errno;
  const iovec target{to, size};
  const iovec source{const_cast<void*>(from), size};
  const ssize_t copied = process_vm_readv(getpid(), &target, 1, &source, 1, 0);
  errno = saved_errno;
  return copied == static_cast<ssize_t>(size);
}

/// The parts of a control block that are read when its owner may be gone: what is found then is
/// wrong, and harmless.
struct Identity {
  std::uint64_t id = 0;
  std::string name;
};

Identity identity_of(const ControlBlock& coroutine) {
  alignas(ControlBlock) std::byte bytes[sizeof(ControlBlock)];
  if (!copy_if_there(bytes, &coroutine, sizeof bytes)) return {};
  const auto& copy = reinterpret_cast<const ControlBlock&>(bytes);
  Identity identity{copy.id, origin_of(copy.origin).name};
  CoroutineExtras* extras = copy.extras;
  char* own_name = nullptr;
  if (extras == nullptr || !copy_if_there(&own_name, &extras->own_name, sizeof own_name)) {
    return identity;
  }
  char name[64] = "";
  // A name that ends shortly before a page that is not there is read byte by byte.
  for (std::size_t i = 0; own_name != nullptr && i + 1 < sizeof name; ++i) {
    if (!copy_if_there(&name[i], own_name + i, 1) || name[i] == '\0') break;
  }
  if (own_name != nullptr) identity.name = name;
  return identity;
}

std::optional<Holder> holder_of(std::uintptr_t owner) {
  if (owner == 0) return std::nullopt;
  if ((owner & 1) != 0) return Holder{.id = owner >> 1};
  if ((owner & WaitFacts::kOfThread) != 0) return Holder{};
  const auto* coroutine = reinterpret_cast<const ControlBlock*>(owner);
  Identity identity = identity_of(*coroutine);
  if (identity.id == 0) return std::nullopt;
  return Holder{identity.id, std::move(identity.name)};
}

std::string describe(const Holder& holder) {
  return holder.id == 0 ? "a plain thread" : coroutine_label(holder.id, holder.name);
}

std::string in_words(const WaitedThing& thing, const WaitFacts& facts) {
  std::string words = thing.kind;
  if (facts.name != nullptr) words += fmt::format(" '{}'", facts.name);
  if (*thing.doing != '\0') words += fmt::format(" {}", thing.doing);
  if (facts.counted != nullptr) {
    words += fmt::format(", {} {}", facts.count, facts.counted);
  } else if (facts.most != 0) {
    const char* full = facts.count == facts.most ? "full " : "";
    words += fmt::format(", {}{}/{}", full, facts.count, facts.most);
  }
  if (facts.note[0] != '\0') words += fmt::format(": {}", facts.note);
  return words;
}

/// Claimed, it is in no queue any more, and what the queue was part of may be gone.
bool is_queued(const WaitPlace& place) noexcept {
  return place.queued.load(std::memory_order_acquire);
}

/// False if somebody has claimed the place meanwhile: then the wait is over.
bool look(const WaitPlace& place, const WaitedThing*& thing, WaitFacts& facts) noexcept {
  if (!is_queued(place)) return false;
  const BiasedGuard guard(*place.lock);
  if (!place.queued) return false;
  thing = place.queue->thing();
  if (thing != nullptr && thing->look != nullptr) thing->look(*place.lock, facts);
  return true;
}

Awaited awaited_at(const WaitPlace& place) {
  const WaitedThing* thing = nullptr;
  WaitFacts facts;
  if (!look(place, thing, facts)) return {.words = "nothing any more: it is about to be woken"};
  if (thing == nullptr) return {.words = "something that does not say what it is"};
  Awaited awaited{.words = in_words(*thing, facts),
                  .holder = holder_of(facts.owner),
                  .by_flows_alone = thing->by_flows_alone,
                  .handles = facts.handles,
                  .thing = place.lock};
  if (awaited.holder.has_value()) awaited.words += " held by " + describe(*awaited.holder);
  return awaited;
}

Awaited awaited_in_parking_lot(const WaitPlace& place) {
  const ParkedThing* thing = place.parked_at;
  // A bare futex may be one that other processes wake, too.
  Awaited awaited{.by_flows_alone = thing != nullptr};
  awaited.words = fmt::format("{} at {:#x}", thing != nullptr ? thing->kind : "futex", place.note);
  if (thing == nullptr || thing->owner == nullptr) return awaited;
  awaited.holder = holder_of(thing->owner(reinterpret_cast<const void*>(place.note)));
  if (awaited.holder.has_value()) awaited.words += " held by " + describe(*awaited.holder);
  return awaited;
}

Awaited awaited_end(const ControlBlock& joiner) {
  const ControlBlock* joined = TaskStateBase::joined_by(joiner);
  if (joined == nullptr) return {.words = "join of one that has ended"};
  Awaited awaited{.holder = Holder{joined->id, joined->name()}, .by_flows_alone = true};
  awaited.words = "end of " + describe(*awaited.holder);
  return awaited;
}

bool is_among(const WaitList& waiters, const ControlBlock& coroutine) noexcept {
  const WaitNode* each = waiters.first();
  while (each != nullptr && &coroutine_of(*each) != &coroutine) each = waiters.after(*each);
  return each != nullptr;
}

/// One that waits for `count` descriptors has no list of them, but is in those of the descriptors.
Awaited awaited_by_poll(const ControlBlock& coroutine, int count) {
  // Others run only when all of this has been looked through, and it is done for each of those
  // that poll: with so many descriptors there may be thousands.
  constexpr unsigned kMostLookedAt = 16'384;
  constexpr int kMostNamed = 4;
  std::string words;
  int named = 0;
  const auto end = static_cast<int>(std::min(EventLoop::end_of_numbers(), kMostLookedAt));
  for (int number = 0; number < end && named < count; ++number) {
    const DescriptorState* state = thread_state.event_loop->find(number);
    if (state == nullptr) continue;
    const bool reads = is_among(state->readers, coroutine);
    const bool writes = is_among(state->writers, coroutine);
    if (!reads && !writes) continue;
    if (++named > kMostNamed) break;
    words += named > 1 ? ", " : "";
    if (reads) words += "readable ";
    if (writes) words += reads ? "or writable " : "writable ";
    words += describe_descriptor(number, reads);
  }
  // Not found: twice in the array, always ready for something else, or not looked at.
  if (words.empty()) return {.words = fmt::format("poll of {} descriptors", count)};
  const int more = count - std::min(named, kMostNamed);
  return {.words = "poll: " + words + (more > 0 ? fmt::format(", +{} more", more) : "")};
}

std::vector<Awaited> awaited_by_waiter(const ControlBlock& coroutine) {
  std::vector<Awaited> all;
  if (coroutine.extras == nullptr) return all;
  const Waiter& waiter = coroutine.extras->waiter;
  for (const WaitPlace* each = waiter.places(); each != nullptr; each = each->sibling) {
    all.push_back(awaited_at(*each));
  }
  // They were linked last first.
  std::reverse(all.begin(), all.end());
  if (all.empty() && is_queued(waiter.place)) all.push_back(awaited_in_parking_lot(waiter.place));
  return all;
}

}  // namespace

std::optional<std::chrono::nanoseconds> remaining_time(const ControlBlock& coroutine) noexcept {
  if (!coroutine.timer_armed) return std::nullopt;
  return std::chrono::nanoseconds(coroutine.extras->timer.deadline - monotonic_now());
}

std::vector<Awaited> awaited_by(const ControlBlock& coroutine) {
  const int descriptor = coroutine.wait_note.descriptor;
  switch (coroutine.wait_kind) {
    case WaitKind::kReadable:
      return {{.words = "readable " + describe_descriptor(descriptor, true)}};
    case WaitKind::kWritable:
      return {{.words = "writable " + describe_descriptor(descriptor, false)}};
    case WaitKind::kPoll:
      return {descriptor > 0 ? awaited_by_poll(coroutine, descriptor)
                             : Awaited{.words = "poll of nothing"}};
    case WaitKind::kSleep:
      return {{.words = "sleep"}};
    case WaitKind::kJoin:
      return {awaited_end(coroutine)};
    case WaitKind::kOther:
    case WaitKind::kQueue:
      return awaited_by_waiter(coroutine);
    case WaitKind::kNothing:
      break;
  }
  return {};
}

std::string describe_wait(const ControlBlock& coroutine) {
  const std::vector<Awaited> all = awaited_by(coroutine);
  std::string words = all.size() > 1 ? "select: " : "";
  for (const Awaited& each : all) {
    if (&each != &all.front()) words += "; ";
    words += each.words;
  }
  if (all.empty()) words = "something that does not say what it is";
  const auto remaining = remaining_time(coroutine);
  if (!remaining.has_value()) return words;
  const auto left = std::max(*remaining, std::chrono::nanoseconds(0));
  words += coroutine.wait_kind == WaitKind::kSleep ? " until +" : ", until +";
  return words + to_words(left) + (coroutine.timer_is_limit ? " by a TimeLimit" : "");
}

}  // namespace colibri
