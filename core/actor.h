// Actor<Message>: a mailbox, and the coroutine that reads it.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "colibri/core/channel.h"
#include "colibri/core/future.h"

namespace colibri {

template <class Handler, class Message>
concept MessageHandler = std::invocable < std::decay_t<Handler>
&, Message > ;

/// Handles messages one at a time, in the order in which they came, in a coroutine of the scheduler
/// on which it was made: what the handler captures needs no lock. A handle: copies are the same
/// actor; any coroutine of any scheduler and any plain thread may tell and ask. When the last
/// handle is gone, or after stop, the messages that are there are handled, and the coroutine ends.
///
/// An exception that leaves the handler is logged and ends the actor: messages that wait, and later
/// ones, are dropped, and who has asked gets std::future_error (broken_promise).
template <class Message>
class Actor {
 public:
  /// `handler(message)` will be called for each. With `capacity` messages waiting, who tells one
  /// more waits, too. Ends the process with a sentence on a thread without a scheduler.
  template <MessageHandler<Message> Handler>
  explicit Actor(Handler&& handler, std::size_t capacity = 64, SpawnSite site = SpawnSite::here())
      : mailbox_(std::make_shared<Mail>(capacity)) {
    go(SpawnOptions{.site = site},
       [messages = mailbox_->messages,
        handler = std::decay_t<Handler>(std::forward<Handler>(handler))]() mutable {
         struct Ending {
           const Channel<Message>& messages;
           ~Ending() {
             messages.close();
             while (messages.try_receive()) {
             }
           }
         } ending{messages};
         for (Message& message : messages) handler(std::move(message));
       });
  }

  /// Puts `message` into the mailbox; waits while that is full. False, with the message intact, if
  /// the actor has ended. Throws as Channel::send.
  bool tell(Message&& message) const { return mailbox_->messages.send(std::move(message)); }
  bool tell(const Message& message) const { return mailbox_->messages.send(message); }

  /// Tells the actor what `make_message(promise)` returns, a message that carries the promise of an
  /// answer, and waits for the answer. Throws what the actor answers with Promise::fail,
  /// std::future_error (broken_promise) if it never answers, and as Channel::send.
  template <class Answer, class MakeMessage>
  Answer ask(MakeMessage make_message) const {
    Promise<Answer> promise;
    Future<Answer> answer = promise.future();
    tell(make_message(std::move(promise)));
    return await(std::move(answer));
  }

  /// No message is taken from now on; those in the mailbox are handled still.
  void stop() const noexcept { mailbox_->messages.close(); }

 private:
  /// Closes the mailbox with the last handle; the coroutine holds the channel alone.
  struct Mail {
    explicit Mail(std::size_t capacity) : messages(capacity) {}
    ~Mail() { messages.close(); }
    Channel<Message> messages;
  };
  std::shared_ptr<Mail> mailbox_;
};

}  // namespace colibri
