// Questions that every scheduler of the process is asked.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "colibri/core/inspect/inquiry.h"
#include "colibri/core/inspect/inspection.h"
#include "colibri/core/inspect/stack_groups.h"

namespace colibri {

/// Shows every coroutine of one scheduler to `visit`, 64 at a time.
class Census : public Inquiry {
 public:
  bool answer_some() override {
    constexpr std::size_t kSlice = 64;
    if (inspection_ == nullptr) inspection_ = std::make_unique<Inspection>();
    return !inspection_->step(kSlice, [this](const ControlBlock& each) { visit(each); });
  }
  void finish() noexcept override { inspection_.reset(); }

 protected:
  /// On the scheduler's thread. What it throws ends the census.
  virtual void visit(const ControlBlock& coroutine) = 0;

 private:
  std::unique_ptr<Inspection> inspection_;
};

/// The stacks of all.
struct Grouping final : Census {
  explicit Grouping(std::size_t described) : groups(described) {}
  void visit(const ControlBlock& coroutine) override { groups.add(coroutine); }
  StackGroups groups;
};

/// What can only be seen at one moment, and so in one piece.
template <class Result>
struct Moment final : Inquiry {
  explicit Moment(std::function<Result()> what) : look(std::move(what)) {}
  bool answer_some() override {
    seen = look();
    return true;
  }
  const std::function<Result()> look;
  Result seen{};
};

/// One scheduler, what it is asked, and how that ended: `inquiry` is the caller's to read if the
/// answer is there.
template <class Question>
struct Asked {
  ListedScheduler scheduler;
  std::shared_ptr<Question> inquiry;
  InquiryEnd end = InquiryEnd::kNoAnswer;

  bool is_there() const noexcept { return end == InquiryEnd::kAnswered; }
};

/// A question to each scheduler there is, each made of `arguments`, not asked yet. Throws
/// std::bad_alloc.
template <class Question, class... Arguments>
std::vector<Asked<Question>> prepare_questions(const Arguments&... arguments) {
  std::vector<Asked<Question>> all;
  for (const ListedScheduler& scheduler : all_schedulers()) {
    all.push_back({scheduler, std::make_shared<Question>(arguments...)});
  }
  return all;
}

/// Asks them all at once, and waits until `deadline` at the latest. A plain thread without a
/// scheduler, or a coroutine, also of a scheduler that is asked. Throws std::bad_alloc, and what
/// Event::wait_until throws.
template <class Question>
void ask(std::vector<Asked<Question>>& all, Deadline deadline) {
  std::vector<PendingInquiry> pending;
  pending.reserve(all.size());
  for (const auto& each : all) pending.emplace_back(each.scheduler, each.inquiry);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].end = pending[i].wait_until(deadline);
}

/// Both.
template <class Question, class... Arguments>
std::vector<Asked<Question>> ask_all(Deadline deadline, const Arguments&... arguments) {
  auto all = prepare_questions<Question>(arguments...);
  ask(all, deadline);
  return all;
}

}  // namespace colibri
