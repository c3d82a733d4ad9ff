#include "test/support/leak_check.h"

#include <gtest/gtest.h>

#include "colibri/core/shared_stack.h"
#include "colibri/core/stack.h"
#include "test/support/descriptors.h"

namespace colibri::test {

std::size_t stacks_in_use() {
  const SharedStacks& shared = thread_shared_stacks();
  return thread_stack_pool().in_use() - shared.stack_count() + shared.in_use();
}

StackLeakCheck::StackLeakCheck(std::size_t lost_stacks)
    : expected_(stacks_in_use() + lost_stacks) {}

StackLeakCheck::~StackLeakCheck() {
  EXPECT_EQ(stacks_in_use(), expected_) << "stacks of coroutines were not given back";
  if (thread_shared_stacks().in_use() == 0) {
    thread_shared_stacks().trim_now();
    EXPECT_EQ(thread_shared_stacks().memory().in_use(), 0u) << "saved stacks were not given back";
  }
}

DescriptorLeakCheck::DescriptorLeakCheck() : expected_(open_descriptors()) {}

DescriptorLeakCheck::~DescriptorLeakCheck() {
  EXPECT_EQ(open_descriptors(), expected_) << "descriptors were left open:\n"
                                           << names_of_open_descriptors();
}

}  // namespace colibri::test
