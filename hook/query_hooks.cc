// res_query and res_search: questions to the name server, by the thread's own resolver state.
#include <netdb.h>
#include <resolv.h>

#include "colibri/hook/name_call.h"

namespace colibri {
namespace {

constinit RealFunction real_query{"res_query", ::res_query};
constinit RealFunction real_search{"res_search", ::res_search};

using Real = decltype(real_query);

class QueryCall final : public HelperCall {
 public:
  QueryCall(const Real& real, const char* name, int kind, int type, std::size_t room)
      : answer(room), real_(real), name_(name), kind_(kind), type_(type) {}
  void run() noexcept override {
    errno = error;
    h_errno = host_error;
    result = real_(name_.c_str(), kind_, type_, answer.data(), static_cast<int>(answer.size()));
    error = errno;
    host_error = h_errno;
  }

  int result = 0;
  int error = errno;         // the caller's, then the call's
  int host_error = h_errno;  // likewise
  std::vector<unsigned char> answer;

 private:
  const Real& real_;
  const std::string name_;
  const int kind_;
  const int type_;
};

int ask(const Real& real, const char* name, int kind, int type, unsigned char* answer, int size) {
  if (parkable_coroutine() == nullptr || size <= 0) return real(name, kind, type, answer, size);
  const auto room = static_cast<std::size_t>(size);
  std::shared_ptr<QueryCall> call;
  if (const int error = run_new_by_name_helper(call, real, name, kind, type, room); error != 0) {
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

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int res_query(const char* name, int kind, int type, unsigned char* answer, int size) noexcept {
  return ask(real_query, name, kind, type, answer, size);
}

int res_search(const char* name, int kind, int type, unsigned char* answer, int size) noexcept {
  return ask(real_search, name, kind, type, answer, size);
}

}  // extern "C"
