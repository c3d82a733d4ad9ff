// The conductor of a run with a seed: chance decides, always in the same way for the same seed.
#pragma once

#include <cstdint>
#include <string>

#include "colibri/core/conductor.h"
#include "colibri/core/testing/random.h"
#include "colibri/core/testing/seed_options.h"
#include "colibri/core/testing/virtual_clock.h"

namespace colibri::testing {

/// Why a run was given up.
enum class RunEnd : std::uint8_t {
  kByItself,
  kStuck,    // nobody could run, and nothing would have woken anybody
  kEndless,  // most_slices
};

class SeededConductor final : public Conductor {
 public:
  /// `clock` may be null: then time is the system's. It must outlive the conductor.
  SeededConductor(std::uint64_t seed, const SeedOptions& options, VirtualClock* clock) noexcept;

  std::size_t choose(std::size_t ready) noexcept override;
  std::uint32_t calls_in_slice() noexcept override;
  bool looks_outside() noexcept override;
  std::int64_t when_idle(const IdleMoment& moment) noexcept override;
  bool gives_up() const noexcept override { return end_ != RunEnd::kByItself; }

  RunEnd end() const noexcept { return end_; }
  /// If the run was stuck: who waited for what, and where.
  const std::string& waiting() const noexcept { return waiting_; }

 private:
  bool is_worth_a_look() noexcept;
  std::int64_t patience_left(const IdleMoment& moment) noexcept;
  void go_on_to(std::int64_t next_timer) noexcept;
  void be_stuck() noexcept;

  Random random_;
  const SeedOptions options_;
  VirtualClock* const clock_;
  const std::uint32_t longest_slice_;  // in calls; the seed's, since some bugs want few switches
  std::uint64_t slices_ = 0;
  std::int64_t idle_since_ = 0;  // real time; 0: not idle, or not yet waiting
  bool looked_ = false;          // outside, since somebody ran last
  bool helpers_worked_ = false;  // at the last look
  RunEnd end_ = RunEnd::kByItself;
  std::string waiting_;
};

}  // namespace colibri::testing
