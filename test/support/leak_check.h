// Tear-down that every test shares: all counts are back to what they were.
#pragma once

#include <cstddef>

namespace colibri::test {

/// Stacks of this thread's coroutines: private ones, and places on shared ones.
std::size_t stacks_in_use();

/// A scope at whose end this thread has as many stacks in use as at its start (but for
/// `lost_stacks`, which belong to coroutines that were abandoned on purpose); reports a test
/// failure otherwise. For tests in which other threads open descriptors meanwhile.
class [[nodiscard]] StackLeakCheck {
 public:
  explicit StackLeakCheck(std::size_t lost_stacks = 0);
  ~StackLeakCheck();
  StackLeakCheck(const StackLeakCheck&) = delete;
  StackLeakCheck& operator=(const StackLeakCheck&) = delete;

 private:
  std::size_t expected_;
};

/// The same for the process's open descriptors.
class [[nodiscard]] DescriptorLeakCheck {
 public:
  DescriptorLeakCheck();
  ~DescriptorLeakCheck();
  DescriptorLeakCheck(const DescriptorLeakCheck&) = delete;
  DescriptorLeakCheck& operator=(const DescriptorLeakCheck&) = delete;

 private:
  std::size_t expected_;
};

/// Both.
class [[nodiscard]] LeakCheck {
 public:
  explicit LeakCheck(std::size_t lost_stacks = 0) : stacks_(lost_stacks) {}

 private:
  StackLeakCheck stacks_;
  DescriptorLeakCheck descriptors_;
};

}  // namespace colibri::test
