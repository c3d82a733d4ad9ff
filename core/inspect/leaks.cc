#include "colibri/core/inspect/leaks.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "colibri/core/inspect/awaited.h"
#include "colibri/core/inspect/inspection.h"
#include "colibri/core/inspect/stack_image.h"
#include "colibri/core/inspection_calls.h"
#include "colibri/core/libc.h"

namespace colibri {
namespace {

/// One that waits at nothing but channels.
struct Suspect {
  const ControlBlock* coroutine;
  std::vector<const void*> channels;
};

/// A channel at which suspects wait.
struct AwaitedChannel {
  std::size_t handles = 0;
  std::size_t found = 0;  // on the stacks of suspects
};
using Channels = std::unordered_map<const void*, AwaitedChannel>;

/// Nothing for one whose wait may end in another way.
std::vector<const void*> channels_awaited(const ControlBlock& leaf, Channels& channels) {
  std::vector<const void*> awaited;
  for (const Awaited& each : awaited_by(leaf)) {
    if (each.handles == 0) return {};
    channels[each.thing].handles = each.handles;
    awaited.push_back(each.thing);
  }
  return awaited;
}

std::vector<Suspect> find_suspects(Channels& channels) {
  std::vector<Suspect> suspects;
  Inspection inspection;
  inspection.step(static_cast<std::size_t>(-1), [&](const ControlBlock& each) {
    const ControlBlock& leaf = leaf_of(each);
    const bool waits =
        leaf.state == CoroutineState::kParked && !leaf.timer_armed && waits_in_queue(leaf);
    if (!waits) return;
    std::vector<const void*> awaited = channels_awaited(leaf, channels);
    if (!awaited.empty()) suspects.push_back({&each, std::move(awaited)});
  });
  return suspects;
}

/// A handle is two words: where the channel is, and what counts its handles, which make_shared puts
/// right before it.
bool is_handle(std::uintptr_t first, std::uintptr_t second) noexcept {
  constexpr std::uintptr_t kFarthest = 64;
  return second < first && first - second <= kFarthest;
}

void count_handles(const ControlBlock& coroutine, Channels& channels) {
  const StackImage image = StackImage::of(coroutine);
  for (std::size_t offset = 0; offset + 16 <= image.size(); offset += 8) {
    const std::uintptr_t first = image.word_at(offset);
    if (!is_handle(first, image.word_at(offset + 8))) continue;
    const auto channel = channels.find(reinterpret_cast<const void*>(first));
    if (channel != channels.end()) ++channel->second.found;
  }
}

/// Those on the stacks of `suspects` alone.
void count_all_handles(const std::vector<Suspect>& suspects, Channels& channels) {
  for (auto& [thing, channel] : channels) channel.found = 0;
  for (const Suspect& suspect : suspects) {
    for (const ControlBlock* each = &leaf_of(*suspect.coroutine);; each = each->resumer) {
      count_handles(*each, channels);
      if (each == suspect.coroutine) break;
    }
  }
}

/// Takes those off the list who may yet hear from somebody; false if there are none.
bool clear_some(std::vector<Suspect>& suspects, Channels& channels) {
  count_all_handles(suspects, channels);
  const auto may_go_on = [&](const Suspect& suspect) {
    return std::any_of(suspect.channels.begin(), suspect.channels.end(), [&](const void* each) {
      const AwaitedChannel& channel = channels[each];
      return channel.found < channel.handles;
    });
  };
  // Who may go on may send to the others, too, by handles of its own: they are then asked again.
  return std::erase_if(suspects, may_go_on) != 0;
}

void write_leaks(Scheduler&) noexcept {
  try {
    const std::vector<CoroutineInfo> leaks = find_leaks();
    if (leaks.empty()) return;
    std::string text = "colibri: parked for ever on channels that nobody else holds:\n";
    for (const CoroutineInfo& each : leaks) text += to_string(each) + "\n" + to_string(each.stack);
    // Nothing can be done if it fails.
    [[maybe_unused]] const ssize_t written = real::write(2, text.data(), text.size());
  } catch (...) {
    // No memory to say it.
  }
}

[[maybe_unused]] const bool asked_for = [] {
  const char* wish = std::getenv("COLIBRI_LEAKS");
  if (wish == nullptr || std::string_view(wish) != "1") return false;
  report_leaks_at_end(true);
  return true;
}();

}  // namespace

std::vector<CoroutineInfo> find_leaks() {
  Channels channels;
  std::vector<Suspect> suspects = find_suspects(channels);
  while (clear_some(suspects, channels)) {
  }
  std::vector<CoroutineInfo> leaks;
  leaks.reserve(suspects.size());
  for (const Suspect& each : suspects) leaks.push_back(inspect(*each.coroutine, WithStack::kYes));
  return leaks;
}

void report_leaks_at_end(bool on) noexcept {
  inspection_calls.before_cancelling_all.store(on ? &write_leaks : nullptr);
}

}  // namespace colibri
