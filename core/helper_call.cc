#include "colibri/core/helper_call.h"

#include <exception>

#include "colibri/core/wait.h"

namespace colibri {

/// What the helper thread holds of a call.
class HelperCallJob final : public HelperJob {
 public:
  explicit HelperCallJob(std::shared_ptr<HelperCall> call) noexcept : call_(std::move(call)) {}
  void run() noexcept override {
    call_->run();
    call_->finish();
  }

 private:
  const std::shared_ptr<HelperCall> call_;
};

HelperCall::~HelperCall() = default;

void HelperCall::Waiting::look(BiasedLock& lock, WaitFacts& facts) noexcept {
  reinterpret_cast<const Waiting&>(lock).call->describe(facts.note);
}

void HelperCall::finish() noexcept {
  BiasedGuard guard(waiting_.lock);
  done_ = true;
  const bool given_up = given_up_;
  WaitPlace* claimed = waiting_.queue.claim_all();
  guard.release();
  wake_all(claimed);
  if (given_up) discard();
}

WakeReason HelperCall::wait(const WaitTerms& terms) noexcept {
  BiasedGuard guard(waiting_.lock);
  if (done_) return WakeReason::kFired;
  given_up_ = false;
  const WakeReason reason = wait_in(waiting_.queue, waiting_.lock, guard, terms);
  if (reason != WakeReason::kFired) given_up_ = waiting_.queue.empty();  // the guard is held again
  return reason;
}

bool HelperCall::is_done() noexcept {
  const BiasedGuard guard(waiting_.lock);
  return done_;
}

void begin_on_helper(const std::shared_ptr<HelperCall>& call, HelperSet set) noexcept {
  try {
    submit_to_helper(std::make_unique<HelperCallJob>(call), set);
  } catch (const std::exception&) {
    call->run();
    call->finish();
  }
}

WakeReason run_on_helper(const std::shared_ptr<HelperCall>& call, HelperSet set,
                         const WaitTerms& terms) noexcept {
  begin_on_helper(call, set);
  return call->wait(terms);
}

}  // namespace colibri
