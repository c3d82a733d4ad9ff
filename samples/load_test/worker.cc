#include "samples/load_test/worker.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "samples/load_test/interrupt.h"
#include "samples/load_test/thread_usage.h"

namespace load_test {
namespace {

// How often the phases look at the clock and at each other; nothing measured depends on it.
constexpr std::chrono::milliseconds kLook{5};

// Late messages are sent in a row; after this many the replies get their turn.
constexpr int kSendsInARow = 64;

Share share_of(const Options& options, std::uint32_t index) {
  auto begin_of = [&](std::uint64_t all, std::uint64_t worker) {
    return static_cast<std::uint32_t>(all * worker / options.threads);
  };
  auto part = [&](std::uint64_t all) { return begin_of(all, index + 1) - begin_of(all, index); };
  const std::uint32_t first = begin_of(options.connections, index) + begin_of(options.idle, index);
  return {part(options.connections), part(options.idle), first};
}

}  // namespace

Worker::Worker(const Common& common, Schedule& schedule, std::uint32_t index)
    : options_(common.options),
      schedule_(schedule),
      index_(index),
      share_(share_of(options_, index)),
      dialer_(options_, common.target, common.tls),
      dialogue_(options_, common.requests),
      workload_{options_, dialogue_, dialer_, schedule, statistics_, timeline_, {}, {}, {}} {}

void Worker::run() {
  Connector connector(options_, dialer_, statistics_);
  connector.open(share_);
  adopt(std::move(connector.sending));
  schedule_.arrive(connections_.size());
  while (!schedule_.started()) colibri::sleep_for(kLook);
  colibri::sleep_until(schedule_.begin());

  timeline_.begin(Clock::now(), schedule_.measure_begin());
  if (!connections_.empty()) start_load();
  await_end();
  await_replies();
  timeline_.advance(Clock::now());
  check_idle(connector.idle);
  close_all();
}

void Worker::adopt(std::vector<std::unique_ptr<Transport>> transports) {
  for (auto& transport : transports) {
    const std::uint64_t place = connections_.size();
    const auto number = static_cast<std::uint32_t>(share_.first + place);
    connections_.emplace_back(workload_, std::move(transport), number, place);
  }
  // In an open loop they only read for now: starting them takes its time, and would delay the
  // first messages.
  if (!options_.open_loop()) return;
  drive_connections();
  colibri::yield();
}

void Worker::drive_connections() {
  for (Connection& connection : connections_) {
    workload_.crew.start([&connection] { connection.drive(); });
  }
}

void Worker::start_load() {
  if (!options_.open_loop()) return drive_connections();
  const double share = static_cast<double>(connections_.size()) /
                       static_cast<double>(schedule_.initial_connections());
  workload_.arrivals = {schedule_.begin(),
                        options_.stages.empty() ? RateProfile(options_.rate * share)
                                                : RateProfile(options_.stages, share),
                        static_cast<double>(index_) / options_.threads, connections_.size()};
  TimePoint end = schedule_.begin();
  for (const Stage& stage : options_.stages) workload_.stage_ends.push_back(end += stage.duration);
  statistics_.stages.resize(options_.stages.size());
  pacing_ = true;
  workload_.crew.start([this] {
    pace();
    pacing_ = false;
  });
}

// One coroutine keeps the time for all connections of the worker.
void Worker::pace() {
  int in_a_row = 0;
  for (std::uint64_t number = 0;; ++number) {
    const TimePoint due = workload_.arrivals.due(number);
    TimePoint now = Clock::now();
    if (due > now) {
      // A run that ends early must not wait for a message of the far future.
      while (now < std::min(due, schedule_.end())) {
        colibri::sleep_until(std::min(due, now + std::chrono::milliseconds(50)));
        now = Clock::now();
      }
      in_a_row = 0;
    } else if (++in_a_row % kSendsInARow == 0) {
      colibri::yield();
    }
    if (due >= schedule_.end()) return;
    if (workload_.closing) {  // the load was too much for this program itself
      statistics_.unanswered += workload_.arrivals.due_before(schedule_.end()) - number;
      return;
    }
    note_send(due, now);
    connections_[number % connections_.size()].begin_due_message();
  }
}

void Worker::note_send(TimePoint due, TimePoint now) {
  if (StageStatistics* stage = workload_.stage_of(due)) ++stage->due;
  if (!schedule_.measures(due)) return;
  const std::int64_t delay = std::chrono::nanoseconds(now - due).count();
  ++statistics_.due;
  if (delay > Statistics::kLate) ++statistics_.late;
  statistics_.latest_send = std::max(statistics_.latest_send, delay);
}

// The thread's own time is read at the first look within the measurement, and at the last.
void Worker::await_end() {
  std::optional<ThreadUsage> usage;
  for (TimePoint now = Clock::now(); now < schedule_.end(); now = Clock::now()) {
    timeline_.advance(now);
    if (!usage && now >= schedule_.measure_begin()) usage.emplace();
    if (interrupted()) {
      schedule_.end_by(now);
      break;
    }
    colibri::sleep_until(std::min(now + kLook, schedule_.end()));
  }
  if (usage) statistics_.busiest_thread = usage->share();
}

bool Worker::awaits_anything() const {
  return pacing_ ||
         std::any_of(connections_.begin(), connections_.end(),
                     [](const Connection& connection) { return connection.awaits_reply(); });
}

void Worker::await_replies() {
  const TimePoint latest = Clock::now() + options_.grace;
  while (Clock::now() < latest && awaits_anything()) colibri::sleep_for(kLook);
  for (const Connection& connection : connections_) {
    statistics_.unanswered += connection.unanswered();
    if (connection.awaits_reply()) statistics_.count_error(ErrorKind::kTimedOut);
  }
}

void Worker::close_all() {
  workload_.closing = true;
  for (Connection& connection : connections_) connection.close();
  while (!workload_.crew.finished()) colibri::sleep_for(kLook);
  connections_.clear();
}

// Nobody reads from silent connections; whether each is still there shows at the end. Under TLS
// some bytes may have come unasked for: sessions to resume.
void Worker::check_idle(const std::vector<std::unique_ptr<Transport>>& transports) {
  std::array<char, 1024> bytes;
  for (const auto& transport : transports) {
    const int socket = transport->descriptor();
    ssize_t size = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    while (options_.tls && size > 0)
      size = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) continue;
    statistics_.count_error(size == 0  ? ErrorKind::kClosed
                            : size > 0 ? ErrorKind::kMismatch
                                       : kind_of_errno(errno));
    statistics_.lost.add(1);
    if (statistics_.first_error.empty()) {
      statistics_.first_error = "a silent connection was ended or written to by the server";
    }
  }
}

}  // namespace load_test
