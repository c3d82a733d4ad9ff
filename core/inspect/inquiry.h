// Inquiries: what other threads ask of schedulers. Answered on the scheduler's thread, between the
// slices of its coroutines, a part at a time, so that a long answer holds up nobody.
#pragma once

#include <atomic>
#include <memory>

#include "colibri/core/deadline.h"
#include "colibri/core/event.h"
#include "colibri/core/scheduler_list.h"

namespace colibri {

/// One question to one scheduler, with room for its answer.
class Inquiry {
 public:
  Inquiry() = default;
  virtual ~Inquiry() = default;
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;

  /// Answers a part. False: there is more; it is called again after coroutines have had their turn.
  /// On the scheduler's thread, outside coroutines. What it throws ends the inquiry.
  virtual bool answer_some() = 0;
  /// The last call: it was answered, or it will not be, since the scheduler ends. On the
  /// scheduler's thread, unless that had ended before the first answer_some.
  virtual void finish() noexcept {}
};

/// How an inquiry ended.
enum class InquiryEnd {
  kAnswered,
  kFailed,       // answer_some threw
  kNobodyThere,  // the scheduler has ended
  kNoAnswer,     // not in time: one of its coroutines does not let it go on, or it has much to do
};

/// Hands `inquiry` to the scheduler; then waits for its answer. In a coroutine, also of that
/// scheduler, or in any thread but the scheduler's own.
/// Unless the answer is kNoAnswer, the inquiry is the caller's alone again; in that case it is the
/// scheduler's for good. Throws std::bad_alloc.
class PendingInquiry {
 public:
  PendingInquiry(const ListedScheduler& scheduler, std::shared_ptr<Inquiry> inquiry);
  /// Blocks the thread, or parks the coroutine. Throws as Event::wait_until.
  InquiryEnd wait_until(Deadline deadline) const;

 private:
  friend class InquiryMessage;
  struct State {
    Event ended;
    std::atomic<InquiryEnd> end{InquiryEnd::kNoAnswer};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace colibri
