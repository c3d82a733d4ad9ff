#include "colibri/core/inspect/trace_json.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "colibri/core/clock.h"
#include "colibri/core/context.h"
#include "colibri/core/coroutine_report.h"
#include "colibri/core/spawn_site.h"

namespace colibri {
namespace {

/// Two clocks read at once.
struct Moment {
  std::uint64_t ticks = processor_ticks();
  std::int64_t nanoseconds = monotonic_now();
};

const Moment& first_moment() noexcept {
  static const Moment moment;
  return moment;
}

/// How fast the processor's counter runs, by what has passed since the first moment.
double ticks_a_microsecond() noexcept {
  const Moment& first = first_moment();
  Moment now;
  // The less has passed, the worse it is known.
  while (now.nanoseconds - first.nanoseconds < 1'000'000) now = Moment();
  return 1000.0 * static_cast<double>(now.ticks - first.ticks) /
         static_cast<double>(now.nanoseconds - first.nanoseconds);
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') result += '\\';
    if (static_cast<unsigned char>(character) < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(character));
    } else {
      result += character;
    }
  }
  return result + '"';
}

std::string site_of(const TraceEvent& event) {
  const SpawnSite site = origin_of(event.origin).site;
  return fmt::format("{}:{}", site.file, site.line);
}

/// What a coroutine is called in the picture.
std::string name_of(const TraceEvent& event) {
  if (event.id == 0) return "scheduler";
  const Origin origin = origin_of(event.origin);
  return *origin.name != '\0' ? origin.name : site_of(event);
}

/// Why a slice ended.
std::string end_of(const TraceEvent& event) {
  if (event.kind == TraceKind::kEnded) return "ended";
  switch (event.state) {
    case CoroutineState::kParked:
      return describe_wait_kind(event.wait_kind, event.descriptor);
    case CoroutineState::kSuspended:
      return "suspended";
    case CoroutineState::kResuming:
      return "resumes another";
    default:
      return "yields";
  }
}

}  // namespace

void start_trace_clock() noexcept {
  first_moment();
}

TraceWriter::TraceWriter() : process_(getpid()), ticks_a_microsecond_(ticks_a_microsecond()) {}

double TraceWriter::microseconds(std::uint64_t ticks) const noexcept {
  const auto since_start = static_cast<std::int64_t>(ticks - first_moment().ticks);
  return static_cast<double>(since_start) / ticks_a_microsecond_;
}

void TraceWriter::begin_event(char phase, double time, const std::string& name) {
  fmt::format_to(std::back_inserter(text_),
                 R"({{"ph":"{}","pid":{},"tid":{},"ts":{:.3f},"cat":"colibri","name":{})", phase,
                 process_, thread_, time, quoted(name));
}

void TraceWriter::add_slice(const TraceEvent& event, std::uint64_t began) {
  const double begin = microseconds(began);
  if (event.id != 0) {
    const auto arrow = arrows_.find(event.id);
    if (arrow != arrows_.end()) {
      begin_event('f', begin, "wake");
      fmt::format_to(std::back_inserter(text_), ",\"bp\":\"e\",\"id\":{}}},\n", arrow->second);
      arrows_.erase(arrow);
    }
  }
  begin_event('X', begin, name_of(event));
  fmt::format_to(std::back_inserter(text_), ",\"dur\":{:.3f}", microseconds(event.ticks) - begin);
  if (event.id != 0) {
    fmt::format_to(std::back_inserter(text_),
                   R"(,"args":{{"coroutine":{},"spawned at":{},"then":{}}})",
                   std::uint64_t{event.id}, quoted(site_of(event)), quoted(end_of(event)));
  }
  text_ += "},\n";
}

void TraceWriter::add_arrival(const TraceEvent& woken, const TraceEvent& waker,
                              std::uint64_t began) {
  // When in the waker's slice, nobody knows.
  const double time = (microseconds(began) + microseconds(waker.ticks)) / 2;
  if (woken.kind == TraceKind::kSpawned) {
    begin_event('i', time, "spawn " + name_of(woken));
    fmt::format_to(std::back_inserter(text_), ",\"s\":\"t\",\"args\":{{\"coroutine\":{}}}}},\n",
                   std::uint64_t{woken.id});
  }
  begin_event('s', time, "wake");
  fmt::format_to(std::back_inserter(text_), ",\"id\":{}}},\n", ++last_arrow_);
  arrows_[woken.id] = last_arrow_;
}

void TraceWriter::add_thread(pid_t thread_id, const std::vector<TraceEvent>& events) {
  thread_ = thread_id;
  arrows_.clear();
  std::vector<TraceEvent> woken;
  // The first slice has no beginning that is known.
  const TraceEvent* before = nullptr;
  for (const TraceEvent& event : events) {
    if (event.kind == TraceKind::kWoken || event.kind == TraceKind::kSpawned) {
      woken.push_back(event);
      continue;
    }
    if (before != nullptr && event.kind != TraceKind::kBegan) {
      add_slice(event, before->ticks);
      for (const TraceEvent& each : woken) add_arrival(each, event, before->ticks);
    }
    woken.clear();
    before = &event;
  }
}

std::string TraceWriter::finish() && {
  begin_event('M', 0, "process_name");
  text_ += ",\"args\":{\"name\":\"colibri\"}}\n],\"displayTimeUnit\":\"ns\"}\n";
  return std::move(text_);
}

}  // namespace colibri
