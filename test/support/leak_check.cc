#include "test/support/leak_check.h"

#include <gtest/gtest.h>

#include "colibri/core/stack.h"
#include "test/support/descriptors.h"

namespace colibri::test {

StackLeakCheck::StackLeakCheck(std::size_t lost_stacks)
    : expected_(thread_stack_pool().in_use() + lost_stacks) {}

StackLeakCheck::~StackLeakCheck() {
  EXPECT_EQ(thread_stack_pool().in_use(), expected_) << "stacks of coroutines were not given back";
}

DescriptorLeakCheck::DescriptorLeakCheck() : expected_(open_descriptors()) {}

DescriptorLeakCheck::~DescriptorLeakCheck() {
  EXPECT_EQ(open_descriptors(), expected_) << "descriptors were left open";
}

}  // namespace colibri::test
