// getaddrinfo_a and gai_suspend give what libc gives.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <memory>

#include "test/support/channels.h"

namespace colibri::test {
namespace {

/// Notes what a request has come to: its first address, or what gai_error says.
void note_request(Session& session, gaicb& request) {
  const int error = gai_error(&request);
  if (error != 0) {
    session.note(gai_strerror(error));
    return;
  }
  char text[INET6_ADDRSTRLEN] = {};
  const auto* address = reinterpret_cast<const sockaddr_in*>(request.ar_result->ai_addr);
  inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
  session.note(std::string(text) + ":" + std::to_string(ntohs(address->sin_port)));
}

/// Requests in the heap, since libc's threads write into those of GAI_NOWAIT.
class Requests {
 public:
  explicit Requests(const Session& session)
      : look_up_(session.either("getaddrinfo_a", ::getaddrinfo_a)),
        suspend_(session.either("gai_suspend", ::gai_suspend)) {}
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;
  ~Requests() {
    for (const auto& each : all_) {
      if (each->ar_result != nullptr) freeaddrinfo(each->ar_result);
    }
  }

  void add(const char* host, const char* service, int flags = 0) {
    hints_.push_back(std::make_unique<addrinfo>());
    hints_.back()->ai_family = AF_INET;
    hints_.back()->ai_flags = flags;
    all_.push_back(std::make_unique<gaicb>());
    gaicb& request = *all_.back();
    request.ar_name = host;
    request.ar_service = service;
    request.ar_request = hints_.back().get();
    list_.push_back(&request);
  }
  void add_null() { list_.push_back(nullptr); }

  int look_up(int mode) { return look_up_(mode, list_.data(), size(), nullptr); }
  int suspend(const timespec* timeout) { return suspend_(list_.data(), size(), timeout); }

  /// Notes what each has come to.
  void note_all(Session& session) const {
    for (const auto& each : all_) note_request(session, *each);
  }
  /// Waits for each by itself: of several, libc's gai_suspend leaves entries of its stack behind
  /// where one is done and has not told so yet (glibc 2.36).
  void await_all() const {
    for (const auto& each : all_) {
      const gaicb* const one = each.get();
      while (gai_error(each.get()) == EAI_INPROGRESS) suspend_(&one, 1, nullptr);
    }
  }

 private:
  int size() const { return static_cast<int>(list_.size()); }

  int (*look_up_)(int, gaicb**, int, sigevent*);
  int (*suspend_)(const gaicb* const*, int, const timespec*);
  std::vector<std::unique_ptr<gaicb>> all_;
  std::vector<std::unique_ptr<addrinfo>> hints_;
  std::vector<gaicb*> list_;
};

void add_several(Requests& requests) {
  requests.add("localhost", "http");
  requests.add_null();
  requests.add("10.1.2.3", "53");
  requests.add("localhost", "no-such-service");
  requests.add("localhost", "80", AI_NUMERICHOST);
  requests.add("localhost", "8080");
}

constexpr char kSeveral[] =
    "0, 127.0.0.1:80, 10.1.2.3:53, Servname not supported for ai_socktype, "
    "Name or service not known, 127.0.0.1:8080";

const ParityCase kLists[] = {
    {"ThatTheCallWaitsFor", kSeveral,
     [](Session& session) {
       Requests requests(session);
       add_several(requests);
       session.note(std::to_string(requests.look_up(GAI_WAIT)));
       requests.note_all(session);
     }},
    {"ThatAreSuspendedFor", kSeveral,
     [](Session& session) {
       Requests requests(session);
       add_several(requests);
       session.note(std::to_string(requests.look_up(GAI_NOWAIT)));
       requests.await_all();
       requests.note_all(session);
     }},
    {"OnTheStack", "0, 127.0.0.1:80",
     [](Session& session) {
       addrinfo hints{};
       hints.ai_family = AF_INET;
       gaicb request{};
       request.ar_name = "localhost";
       request.ar_service = "http";
       request.ar_request = &hints;
       gaicb* list[] = {&request};
       const auto look_up = session.either("getaddrinfo_a", ::getaddrinfo_a);
       const auto suspend = session.either("gai_suspend", ::gai_suspend);
       session.note(std::to_string(look_up(GAI_NOWAIT, list, 1, nullptr)));
       while (gai_error(&request) == EAI_INPROGRESS) suspend(list, 1, nullptr);
       note_request(session, request);
       if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
     }},
    {"OfNothing", "0, 0, All requests done, kept",
     [](Session& session) {
       Requests requests(session);
       requests.add_null();
       errno = ERANGE;
       session.note(std::to_string(requests.look_up(GAI_WAIT)));
       session.note(std::to_string(requests.look_up(GAI_NOWAIT)));
       session.note(gai_strerror(requests.suspend(nullptr)));
       session.note_if(errno == ERANGE, "kept");
     }},
    {"OfAnotherMode", "System error EINVAL",
     [](Session& session) {
       Requests requests(session);
       requests.add("localhost", "http");
       errno = 0;
       session.note(gai_strerror(requests.look_up(7)));
       session.append(strerrorname_np(errno));
     }},
    {"ErrnoStays", "0, kept",
     [](Session& session) {
       Requests requests(session);
       requests.add("localhost", "http");
       errno = ERANGE;
       session.note(std::to_string(requests.look_up(GAI_WAIT)));
       session.note_if(errno == ERANGE, "kept");
     }},
};

class LookupListParity : public testing::TestWithParam<ParityCase> {
 protected:
  /// libc keeps a descriptor or two for itself once it has looked something up.
  static void SetUpTestSuite() {
    if (addrinfo* list = nullptr; getaddrinfo("localhost", "http", nullptr, &list) == 0) {
      freeaddrinfo(list);
    }
  }
};

TEST_P(LookupListParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Lists, LookupListParity, testing::ValuesIn(kLists),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
