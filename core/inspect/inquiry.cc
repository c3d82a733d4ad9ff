#include "colibri/core/inspect/inquiry.h"

#include <utility>

#include "colibri/core/mailbox.h"

namespace colibri {

/// Comes back to the scheduler's inbox until it has been answered.
class InquiryMessage final : public InboxMessage {
 public:
  InquiryMessage(std::shared_ptr<Mailbox> mailbox, std::shared_ptr<Inquiry> inquiry,
                 std::shared_ptr<PendingInquiry::State> state)
      : mailbox_(std::move(mailbox)), inquiry_(std::move(inquiry)), state_(std::move(state)) {}

  void deliver() noexcept override {
    try {
      goes_on_ = !inquiry_->answer_some();
      end_ = goes_on_ ? InquiryEnd::kNobodyThere : InquiryEnd::kAnswered;
    } catch (...) {
      end_ = InquiryEnd::kFailed;
    }
  }

  void dispose() noexcept override {
    if (std::exchange(goes_on_, false)) {
      const std::shared_ptr<Mailbox> mailbox = mailbox_;
      mailbox->post(this);  // disposes of it if the scheduler has ended
      return;
    }
    inquiry_->finish();
    // Whoever waits may use it at once.
    inquiry_.reset();
    state_->end.store(end_, std::memory_order_release);
    state_->ended.set();
    delete this;
  }

 private:
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<Inquiry> inquiry_;
  std::shared_ptr<PendingInquiry::State> state_;
  InquiryEnd end_ = InquiryEnd::kNobodyThere;
  bool goes_on_ = false;
};

PendingInquiry::PendingInquiry(const ListedScheduler& scheduler, std::shared_ptr<Inquiry> inquiry) {
  auto message = std::make_unique<InquiryMessage>(scheduler.mailbox, std::move(inquiry), state_);
  scheduler.mailbox->post(message.release());
}

InquiryEnd PendingInquiry::wait_until(Deadline deadline) const {
  if (!state_->ended.wait_until(deadline)) return InquiryEnd::kNoAnswer;
  return state_->end.load(std::memory_order_acquire);
}

}  // namespace colibri
