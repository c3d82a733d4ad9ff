// res_query, res_search and their kin: questions to the name server. Those without a state of the
// resolver in their arguments go by that of the thread that asks.
//
// Those with a state change it, so it is its helper's while they last: neither a TimeLimit nor
// cancel ends them.
#include <netdb.h>
#include <resolv.h>

#include "colibri/hook/name_call.h"
#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

constinit RealFunction real_query{"res_query", ::res_query};
constinit RealFunction real_search{"res_search", ::res_search};
constinit RealFunction real_query_domain{"res_querydomain", ::res_querydomain};
constinit RealFunction real_send{"res_send", ::res_send};
constinit RealFunction real_query_of{"res_nquery", ::res_nquery};
constinit RealFunction real_search_of{"res_nsearch", ::res_nsearch};
constinit RealFunction real_query_domain_of{"res_nquerydomain", ::res_nquerydomain};
constinit RealFunction real_send_of{"res_nsend", ::res_nsend};

/// `ask(answer, size)` is the call, with libc's result. Throws std::bad_alloc when it is made.
template <class Ask>
class QueryCall final : public HelperCall {
 public:
  /// `make_ask()` copies what the call is given.
  template <class MakeAsk>
  QueryCall(const MakeAsk& make_ask, std::size_t room) : answer(room), ask_(make_ask()) {}
  void run() noexcept override {
    errno = error;
    h_errno = host_error;
    result = ask_(answer.data(), static_cast<int>(answer.size()));
    error = errno;
    host_error = h_errno;
  }

  void describe(std::span<char> text) const noexcept override {
    describe_call(text, "question to the name server", nullptr);
  }

  int result = 0;
  int error = errno;         // the caller's, then the call's
  int host_error = h_errno;  // likewise
  std::vector<unsigned char> answer;

 private:
  const Ask ask_;
};

template <class MakeAsk>
int ask_on_helper(const WaitTerms& terms, unsigned char* answer, int size, MakeAsk make_ask) {
  const auto room = static_cast<std::size_t>(size);
  std::shared_ptr<QueryCall<decltype(make_ask())>> call;
  if (const int error = run_new_by_name_helper(terms, call, make_ask, room); error != 0) {
    h_errno = NETDB_INTERNAL;
    return fail_with_errno(error);
  }
  h_errno = call->host_error;
  errno = call->error;
  // The length is that of the whole answer, which may be more than there is room for.
  if (call->result > 0) {
    std::memcpy(answer, call->answer.data(),
                std::min(room, static_cast<std::size_t>(call->result)));
  }
  return call->result;
}

/// False where the call is made on this thread.
bool asks_helper(int size) noexcept {
  return parkable_coroutine() != nullptr && size > 0;
}

/// A state on a shared stack, or in a thread-local variable, is not there while its coroutine is
/// parked.
bool asks_helper(int size, res_state state) noexcept {
  return asks_helper(size) && !is_anothers_while_parked(state, sizeof *state);
}

constexpr WaitTerms kToTheEnd{.may_fail = false};

using Bytes = std::vector<unsigned char>;

Bytes copy_of(const unsigned char* message, int size) {
  return Bytes(message, message + std::max(size, 0));
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int res_query(const char* name, int kind, int type, unsigned char* answer, int size) noexcept {
  if (!asks_helper(size)) return real_query(name, kind, type, answer, size);
  return ask_on_helper(WaitTerms(), answer, size, [=] {
    return [=, copy = std::string(name)](unsigned char* room, int most) {
      return real_query(copy.c_str(), kind, type, room, most);
    };
  });
}

int res_search(const char* name, int kind, int type, unsigned char* answer, int size) noexcept {
  if (!asks_helper(size)) return real_search(name, kind, type, answer, size);
  return ask_on_helper(WaitTerms(), answer, size, [=] {
    return [=, copy = std::string(name)](unsigned char* room, int most) {
      return real_search(copy.c_str(), kind, type, room, most);
    };
  });
}

int res_querydomain(const char* name, const char* domain, int kind, int type, unsigned char* answer,
                    int size) noexcept {
  if (!asks_helper(size)) return real_query_domain(name, domain, kind, type, answer, size);
  return ask_on_helper(WaitTerms(), answer, size, [=] {
    return [=, first = OptionalString(name), rest = OptionalString(domain)](unsigned char* room,
                                                                            int most) {
      return real_query_domain(first.get(), rest.get(), kind, type, room, most);
    };
  });
}

int res_send(const unsigned char* message, int length, unsigned char* answer, int size) noexcept {
  if (!asks_helper(size)) return real_send(message, length, answer, size);
  return ask_on_helper(WaitTerms(), answer, size, [=] {
    return [length, copy = copy_of(message, length)](unsigned char* room, int most) {
      return real_send(copy.data(), length, room, most);
    };
  });
}

int res_nquery(res_state state, const char* name, int kind, int type, unsigned char* answer,
               int size) noexcept {
  if (!asks_helper(size, state)) return real_query_of(state, name, kind, type, answer, size);
  return ask_on_helper(kToTheEnd, answer, size, [=] {
    return [=, copy = std::string(name)](unsigned char* room, int most) {
      return real_query_of(state, copy.c_str(), kind, type, room, most);
    };
  });
}

int res_nsearch(res_state state, const char* name, int kind, int type, unsigned char* answer,
                int size) noexcept {
  if (!asks_helper(size, state)) return real_search_of(state, name, kind, type, answer, size);
  return ask_on_helper(kToTheEnd, answer, size, [=] {
    return [=, copy = std::string(name)](unsigned char* room, int most) {
      return real_search_of(state, copy.c_str(), kind, type, room, most);
    };
  });
}

int res_nquerydomain(res_state state, const char* name, const char* domain, int kind, int type,
                     unsigned char* answer, int size) noexcept {
  if (!asks_helper(size, state)) {
    return real_query_domain_of(state, name, domain, kind, type, answer, size);
  }
  return ask_on_helper(kToTheEnd, answer, size, [=] {
    return [=, first = OptionalString(name), rest = OptionalString(domain)](unsigned char* room,
                                                                            int most) {
      return real_query_domain_of(state, first.get(), rest.get(), kind, type, room, most);
    };
  });
}

int res_nsend(res_state state, const unsigned char* message, int length, unsigned char* answer,
              int size) noexcept {
  if (!asks_helper(size, state)) return real_send_of(state, message, length, answer, size);
  return ask_on_helper(kToTheEnd, answer, size, [=] {
    return [=, copy = copy_of(message, length)](unsigned char* room, int most) {
      return real_send_of(state, copy.data(), length, room, most);
    };
  });
}

}  // extern "C"
