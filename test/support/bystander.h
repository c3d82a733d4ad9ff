// A coroutine that shows whether others may run.
#pragma once

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri::test {

/// Counts how often it ran; stops with the scope.
class Bystander {
 public:
  Bystander()
      : task_(spawn([this] {
          for (;;) {
            ++turns_;
            yield();
          }
        })) {
    yield();
  }
  int turns() const noexcept { return turns_; }

 private:
  int turns_ = 0;
  Task<void> task_;
};

}  // namespace colibri::test
