// Opens a worker's connections, some at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "samples/load_test/dialer.h"
#include "samples/load_test/options.h"
#include "samples/load_test/schedule.h"
#include "samples/load_test/statistics.h"

namespace load_test {

/// What a worker has to open: `sending` first, then `idle` ones. `first` numbers its connections
/// among those of all workers.
struct Share {
  std::uint32_t sending = 0;
  std::uint32_t idle = 0;
  std::uint32_t first = 0;
};

/// Used once, by one coroutine.
class Connector {
 public:
  Connector(const Options& options, Dialer& dialer, Statistics& statistics)
      : options_(options), dialer_(dialer), statistics_(statistics) {}

  /// Returns when all of the share is open, or there is no point in going on: the very first
  /// failed, none succeeded for the time that one may take, or the user interrupts. Failures are
  /// counted, and leave gaps in neither list.
  void open(const Share& share);

  std::vector<std::unique_ptr<Transport>> sending;
  std::vector<std::unique_ptr<Transport>> idle;

 private:
  void open_one_after_another(const Share& share);
  void note_failure(const CannotConnect& failure);

  const Options& options_;
  Dialer& dialer_;
  Statistics& statistics_;
  std::uint32_t next_ = 0;  // number within the share
  std::uint32_t busy_ = 0;  // coroutines at work
  bool given_up_ = false;
  TimePoint latest_success_ = Clock::now();
};

}  // namespace load_test
