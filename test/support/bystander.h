// A coroutine that shows whether others may run.
#pragma once

#include <memory>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri::test {

/// Counts how often it ran; stops with the scope.
class Bystander {
 public:
  Bystander()
      : task_(spawn([turns = turns_] {
          for (;;) {
            ++*turns;
            yield();
          }
        })) {
    yield();
  }
  int turns() const noexcept { return *turns_; }

 private:
  std::shared_ptr<int> turns_ = std::make_shared<int>(0);  // in the heap: both may share a stack
  Task<void> task_;
};

}  // namespace colibri::test
