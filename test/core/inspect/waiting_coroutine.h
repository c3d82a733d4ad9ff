// What is known of a coroutine while it waits.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "colibri/core/inspect/coroutine_info.h"
#include "colibri/core/inspect/inspection.h"
#include "colibri/core/task.h"

namespace colibri::test {

/// Runs `body` in a coroutine named "waiter" until it waits, and says what it then knows.
template <class Body>
CoroutineInfo info_while_waiting(Body body) {
  Task<void> task = spawn({.name = "waiter"}, std::move(body));
  std::uint64_t id = 0;
  Inspection inspection;
  inspection.step(1, [&](const ControlBlock& newest) { id = newest.id; });
  yield();
  return inspect(*Inspection::find(id), WithStack::kYes);
}

/// The same: for what it waits, in words.
template <class Body>
std::string wait_of(Body body) {
  return info_while_waiting(std::move(body)).wait;
}

}  // namespace colibri::test
