#include "colibri/core/inspect/admin_answer.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "colibri/core/inspect/census.h"
#include "colibri/core/inspect/leaks.h"
#include "colibri/core/inspect/metrics.h"
#include "colibri/core/inspect/run_times.h"
#include "colibri/core/inspect/trace.h"
#include "colibri/core/inspect/why.h"

namespace colibri {
namespace {

using std::chrono::seconds;

constexpr seconds kPatience(5);
constexpr std::size_t kDescribed = 3;  // coroutines of each group
constexpr std::uint64_t kMostSeconds = 60;

/// What all of them are like.
struct Listing final : Census {
  void visit(const ControlBlock& coroutine) override { found.push_back(inspect(coroutine)); }
  std::vector<CoroutineInfo> found;
};

/// One of them, with its stack.
struct Search final : Census {
  explicit Search(std::uint64_t wanted) : id(wanted) {}
  void visit(const ControlBlock& coroutine) override {
    if (coroutine.id == id) found = inspect(coroutine, WithStack::kYes);
  }
  const std::uint64_t id;
  std::optional<CoroutineInfo> found;
};

/// How long they run: begins at the first asking, and tells at the second.
class Measurement final : public Inquiry {
 public:
  bool answer_some() override {
    if (times_ == nullptr) {
      times_ = std::make_unique<RunTimes>();
    } else {
      found = times_->longest_first();
      times_.reset();
    }
    return true;
  }
  std::vector<RunTime> found;

 private:
  std::unique_ptr<RunTimes> times_;
};

Deadline soon() {
  return Deadline::after(kPatience);
}

/// Why the answer is not there.
template <class Question>
std::string complaint(const Asked<Question>& asked) {
  const char* what = asked.end == InquiryEnd::kFailed        ? "there was no memory to answer"
                     : asked.end == InquiryEnd::kNobodyThere ? "has just ended"
                                                             : "does not answer: one of its "
                                                               "coroutines does not let the others "
                                                               "run";
  return fmt::format("scheduler {} (thread {}) {}\n", asked.scheduler.number,
                     asked.scheduler.thread, what);
}

std::string describe_site(const SpawnSite& site) {
  return fmt::format("{}:{}", site.file, site.line);
}

std::string milliseconds_since(const CoroutineInfo& info) {
  if (!info.since.has_value()) return "-";
  return std::to_string(info.since->count() / 1'000'000);
}

std::string milliseconds_run(const CoroutineInfo& info) {
  if (!info.ran.has_value()) return "-";
  return fmt::format("{:.3f}", static_cast<double>(info.ran->time.count()) / 1e6);
}

std::string slices_of(const CoroutineInfo& info) {
  return info.ran.has_value() ? std::to_string(info.ran->slices) : "-";
}

/// A field must not look like two.
std::string field(std::string text) {
  for (char& each : text) {
    if (each == '\t' || each == '\n') each = ' ';
  }
  return text.empty() ? "-" : text;
}

std::string list_coroutines() {
  // The words of a wait are last: they may be long.
  std::string text = "id\tscheduler\tname\tstate\tms\tran\tslices\tstack\tparent\tspawned\twait\n";
  std::string complaints;
  for (const auto& answer : ask_all<Listing>(soon())) {
    if (!answer.is_there()) {
      complaints += complaint(answer);
      continue;
    }
    for (const CoroutineInfo& each : answer.inquiry->found) {
      text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", each.id, each.scheduler,
                          field(each.name), to_string(each.state), milliseconds_since(each),
                          milliseconds_run(each), slices_of(each), each.stack_bytes_used,
                          each.parent, field(describe_site(each.site)), field(each.wait));
    }
  }
  return text + complaints;
}

std::string show_stacks() {
  std::string text;
  for (auto& answer : ask_all<Grouping>(soon(), kDescribed)) {
    if (!answer.is_there()) {
      text += complaint(answer);
      continue;
    }
    const std::vector<StackGroup> groups = answer.inquiry->groups.largest_first();
    text += fmt::format("scheduler {} (thread {}): {} coroutines at {} places\n",
                        answer.scheduler.number, answer.scheduler.thread,
                        answer.inquiry->groups.coroutines(), groups.size());
    for (const StackGroup& each : groups) text += '\n' + to_string(each);
    text += '\n';
  }
  return text.empty() ? "there is no scheduler\n" : text;
}

std::string show_stack(std::uint64_t id) {
  std::string complaints;
  for (const auto& answer : ask_all<Search>(soon(), id)) {
    if (!answer.is_there()) complaints += complaint(answer);
    if (!answer.is_there() || !answer.inquiry->found.has_value()) continue;
    return to_string(*answer.inquiry->found) + '\n' + to_string(answer.inquiry->found->stack);
  }
  return fmt::format("error: there is no coroutine {}\n{}", id, complaints);
}

/// What `look` sees on each scheduler, `nothing` if that is nothing on all.
std::string look_everywhere(const std::function<std::string()>& look, const std::string& nothing) {
  std::string text;
  for (const auto& answer : ask_all<Moment<std::string>>(soon(), look)) {
    text += answer.is_there() ? answer.inquiry->seen : complaint(answer);
  }
  return text.empty() ? nothing : text;
}

std::string show_chain(std::uint64_t id) {
  const auto look = [id] {
    const WaitChain chain = wait_chain(id);
    return chain.links.empty() ? std::string() : to_string(chain);
  };
  return look_everywhere(look, fmt::format("error: there is no coroutine {}\n", id));
}

std::string show_deadlocks() {
  const auto look = [] {
    std::string text;
    for (const WaitChain& each : find_cycles()) text += to_string(each) + '\n';
    return text;
  };
  return look_everywhere(look, "no coroutines wait for each other in a circle\n");
}

std::string show_leaks() {
  const auto look = [] {
    std::string text;
    for (const CoroutineInfo& each : find_leaks()) {
      text += to_string(each) + '\n' + to_string(each.stack) + '\n';
    }
    return text;
  };
  return look_everywhere(look, "no coroutine waits at a channel that nobody else holds\n");
}

std::string show_metrics() {
  std::string text;
  write_prometheus(text);
  return text;
}

/// Meanwhile nobody else is answered. False if that would be too long.
bool wait_for_seconds(std::uint64_t number) {
  if (number == 0 || number > kMostSeconds) return false;
  const Event never;
  never.wait_for(seconds(number));
  return true;
}

std::string refuse_seconds() {
  return fmt::format("error: 1 to {} seconds are possible\n", kMostSeconds);
}

std::string record_trace(std::uint64_t number) {
  start_trace();
  const bool waited = wait_for_seconds(number);
  stop_trace();
  return waited ? trace_as_json() : refuse_seconds();
}

std::string measure_run_times(std::uint64_t number) {
  auto measured = prepare_questions<Measurement>();
  ask(measured, soon());
  const bool waited = wait_for_seconds(number);
  // Those that have not begun for want of time will end right after that.
  ask(measured, soon());
  if (!waited) return refuse_seconds();
  std::string text = "id\tscheduler\tname\tms\tpercent\tslices\tspawned\n";
  std::string complaints;
  for (const auto& answer : measured) {
    if (!answer.is_there()) complaints += complaint(answer);
    if (!answer.is_there()) continue;
    for (const RunTime& each : answer.inquiry->found) {
      const Origin origin = origin_of(each.origin);
      const double milliseconds = static_cast<double>(each.time.count()) / 1e6;
      text += fmt::format("{}\t{}\t{}\t{:.3f}\t{:.1f}\t{}\t{}\n", each.id, answer.scheduler.number,
                          field(origin.name), milliseconds,
                          milliseconds / (10.0 * static_cast<double>(number)), each.slices,
                          field(describe_site(origin.site)));
    }
  }
  return text + complaints;
}

std::string succeed(std::string text) {
  // What is an answer already stays one.
  return text.starts_with("error: ") ? std::move(text) : std::string(kAdminSuccess) + text;
}

std::optional<std::uint64_t> number_in(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string answer_admin_request(std::string_view request) {
  const std::size_t space = request.find(' ');
  const std::string_view verb = request.substr(0, space);
  if (space == std::string_view::npos) {
    if (verb == "ps") return succeed(list_coroutines());
    if (verb == "bt" || verb == "dump") return succeed(show_stacks());
    if (verb == "deadlocks") return succeed(show_deadlocks());
    if (verb == "leaks") return succeed(show_leaks());
    if (verb == "metrics") return succeed(show_metrics());
  } else {
    const std::optional<std::uint64_t> number = number_in(request.substr(space + 1));
    if (!number.has_value()) return fmt::format("error: \"{}\": no number follows\n", request);
    if (verb == "bt") return succeed(show_stack(*number));
    if (verb == "why") return succeed(show_chain(*number));
    if (verb == "top") return succeed(measure_run_times(*number));
    if (verb == "trace") return succeed(record_trace(*number));
  }
  return fmt::format(
      "error: \"{}\" is no request; there are ps, dump, bt [ID], why ID, deadlocks, leaks, "
      "metrics, top SECONDS, trace SECONDS\n",
      request);
}

}  // namespace colibri
