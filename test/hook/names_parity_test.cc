// getaddrinfo, getnameinfo, gethostbyname and getpwnam with their kin give what libc gives.
//
// Only names that files know: what a name server says is not the same everywhere.
#include <arpa/inet.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <pwd.h>
#include <resolv.h>
#include <sys/un.h>

#include <memory>

#include "test/support/channels.h"

namespace colibri::test {
namespace {

const char* name_of_error(int error) {
  switch (error) {
    case 0:
      return "found";
    case EAI_NONAME:
      return "EAI_NONAME";
    case EAI_SERVICE:
      return "EAI_SERVICE";
    case EAI_FAMILY:
      return "EAI_FAMILY";
    case EAI_SOCKTYPE:
      return "EAI_SOCKTYPE";
    case EAI_BADFLAGS:
      return "EAI_BADFLAGS";
    case EAI_OVERFLOW:
      return "EAI_OVERFLOW";
    case EAI_ADDRFAMILY:
      return "EAI_ADDRFAMILY";
    default:
      return "another error";
  }
}

/// Notes what getaddrinfo says, and the first address.
void resolve(Session& session, const char* host, const char* service, addrinfo hints) {
  addrinfo* list = nullptr;
  const int error = session.either("getaddrinfo", ::getaddrinfo)(host, service, &hints, &list);
  session.note(name_of_error(error));
  if (error != 0) return;
  char text[INET6_ADDRSTRLEN] = {};
  const auto* address = reinterpret_cast<const sockaddr_in*>(list->ai_addr);
  inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
  session.append(std::string(text) + ":" + std::to_string(ntohs(address->sin_port)));
  if (list->ai_canonname != nullptr) session.append(list->ai_canonname);
  freeaddrinfo(list);
}

addrinfo hints_of(int flags, int family = AF_INET, int type = SOCK_STREAM) {
  addrinfo hints{};
  hints.ai_flags = flags;
  hints.ai_family = family;
  hints.ai_socktype = type;
  return hints;
}

const ParityCase kAddresses[] = {
    {"Localhost", "found 127.0.0.1:80, found 127.0.0.1:8080",
     [](Session& session) {
       resolve(session, "localhost", "http", hints_of(0));
       resolve(session, "localhost", "8080", hints_of(0));
     }},
    {"Numbers", "found 10.1.2.3:53, found 10.1.2.3:80, found 0.0.0.0:7, found 127.0.0.1:7",
     [](Session& session) {
       resolve(session, "10.1.2.3", "53", hints_of(AI_NUMERICHOST));
       resolve(session, "10.1.2.3", "http", hints_of(0));
       resolve(session, nullptr, "7", hints_of(AI_PASSIVE));
       resolve(session, nullptr, "7", hints_of(0));
     }},
    {"CanonicalNames", "found 10.1.2.3:0 10.1.2.3, found 127.0.0.1:0 localhost",
     [](Session& session) {
       resolve(session, "10.1.2.3", nullptr, hints_of(AI_CANONNAME));
       resolve(session, "localhost", nullptr, hints_of(AI_CANONNAME));
     }},
    {"Errors",
     "EAI_NONAME, EAI_NONAME, EAI_SERVICE, EAI_NONAME, EAI_FAMILY, EAI_BADFLAGS, EAI_SERVICE",
     [](Session& session) {
       resolve(session, "localhost", nullptr, hints_of(AI_NUMERICHOST));
       resolve(session, nullptr, nullptr, hints_of(0));
       resolve(session, "localhost", "no-such-service", hints_of(0));
       resolve(session, "localhost", "http", hints_of(AI_NUMERICSERV));
       resolve(session, "localhost", nullptr, hints_of(0, 99));
       resolve(session, "localhost", nullptr, hints_of(1 << 20));
       resolve(session, "10.1.2.3", "no-such-service", hints_of(0));
     }},
    {"ErrnoStays", "found, kept",
     [](Session& session) {
       addrinfo* list = nullptr;
       const addrinfo hints = hints_of(AI_NUMERICHOST);
       errno = ERANGE;
       session.note(name_of_error(
           session.either("getaddrinfo", ::getaddrinfo)("10.1.2.3", "1", &hints, &list)));
       session.note_if(errno == ERANGE, "kept");
       freeaddrinfo(list);
     }},
};

/// Notes what getnameinfo says of 127.0.0.1, port 80.
void name(Session& session, socklen_t host_room, socklen_t service_room, int flags,
          socklen_t size = sizeof(sockaddr_in)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char host[100] = "";
  char service[100] = "";
  const int error = session.either("getnameinfo", ::getnameinfo)(
      generic(address), size, host, host_room, service, service_room, flags);
  session.note(name_of_error(error));
  if (error == 0) session.append(std::string(host) + " " + service);
}

const ParityCase kNames[] = {
    {"Localhost", "found localhost http, found 127.0.0.1 80, found localhost ",
     [](Session& session) {
       name(session, 100, 100, 0);
       name(session, 100, 100, NI_NUMERICHOST | NI_NUMERICSERV);
       name(session, 100, 0, 0);
     }},
    {"Errors", "EAI_OVERFLOW, EAI_FAMILY, found  , EAI_BADFLAGS",
     [](Session& session) {
       name(session, 3, 100, 0);
       name(session, 100, 100, 0, 3);
       name(session, 0, 0, NI_NAMEREQD);
       name(session, 100, 100, 1 << 20);
     }},
};

/// Notes a host's name, aliases and first address.
void note_host(Session& session, const hostent* host) {
  if (host == nullptr) {
    session.note("no host");
    return;
  }
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(host->h_addrtype, host->h_addr_list[0], text, sizeof text);
  session.note(std::string(host->h_name) + " " + text);
}

void note_h_errno(Session& session, int error) {
  session.append(error == 0                ? "NETDB_SUCCESS"
                 : error == HOST_NOT_FOUND ? "HOST_NOT_FOUND"
                 : error == NETDB_INTERNAL ? "NETDB_INTERNAL"
                                           : "another");
}

const ParityCase kHosts[] = {
    {"ByName", "localhost 127.0.0.1, localhost 127.0.0.1, 10.1.2.3 10.1.2.3",
     [](Session& session) {
       note_host(session, session.either("gethostbyname", ::gethostbyname)("localhost"));
       note_host(session, session.either("gethostbyname2", ::gethostbyname2)("localhost", AF_INET));
       note_host(session, session.either("gethostbyname", ::gethostbyname)("10.1.2.3"));
     }},
    {"ByAddress", "localhost 127.0.0.1",
     [](Session& session) {
       const in_addr address{htonl(INADDR_LOOPBACK)};
       note_host(session, session.either("gethostbyaddr", ::gethostbyaddr)(&address, 4, AF_INET));
     }},
    {"IntoABuffer", "0 but errno became 0, localhost 127.0.0.1, inside, 34 NETDB_INTERNAL, no host",
     [](Session& session) {
       hostent host{};
       hostent* found = nullptr;
       int error = 7;
       char buffer[4096];
       const auto look_up = session.either("gethostbyname_r", ::gethostbyname_r);
       session.measure(
           [&] { return look_up("localhost", &host, buffer + 1, 4000, &found, &error); });
       note_host(session, found);
       session.note_if(found == &host && host.h_name > buffer && host.h_name < buffer + 4096 &&
                           host.h_addr_list[0] > buffer && host.h_addr_list[0] < buffer + 4096,
                       "inside");
       session.note(std::to_string(look_up("localhost", &host, buffer, 8, &found, &error)));
       note_h_errno(session, error);
       note_host(session, found);
     }},
    {"ByNameOfWhatIsNoAddress", "no host HOST_NOT_FOUND",
     [](Session& session) {
       h_errno = 0;
       note_host(session, session.either("gethostbyname", ::gethostbyname)("300.1.1.1"));
       note_h_errno(session, h_errno);
     }},
};

struct CloseState {
  void operator()(res_state state) const {
    res_nclose(state);
    delete state;
  }
};

/// A state of the resolver that asks one server: the socket.
std::unique_ptr<struct __res_state, CloseState> state_for(int server) {
  std::unique_ptr<struct __res_state, CloseState> state(new struct __res_state());
  EXPECT_EQ(res_ninit(state.get()), 0);
  state->nscount = 1;
  state->nsaddr_list[0] = address_of(server);
  return state;
}

/// Answers one question: there is no such name.
void deny(Session& session, int server) {
  unsigned char message[512];
  sockaddr_in from{};
  socklen_t from_size = sizeof from;
  auto* const sender = reinterpret_cast<sockaddr*>(&from);
  const ssize_t size =
      session.libc.recvfrom(server, message, sizeof message, 0, sender, &from_size);
  message[2] |= 0x80;                                                // an answer
  message[3] = static_cast<unsigned char>((message[3] & 0xf0) | 3);  // NXDOMAIN
  session.libc.sendto(server, message, static_cast<std::size_t>(size), 0, sender, from_size);
}

const ParityCase kQueries[] = {
    {"OfWhatIsNoName", "-1, -1",
     [](Session& session) {
       unsigned char answer[512];
       const std::string long_name(2000, 'x');
       const auto query = session.either("res_query", ::res_query);
       const auto search = session.either("res_search", ::res_search);
       session.note(std::to_string(query(long_name.c_str(), 1, 1, answer, sizeof answer)));
       session.note(std::to_string(search(long_name.c_str(), 1, 1, answer, sizeof answer)));
     }},
    {"OfADomain", "-1, -1 EINVAL",
     [](Session& session) {
       unsigned char answer[512];
       const unsigned char message[4] = {};
       const std::string long_name(2000, 'x');
       const auto query = session.either("res_querydomain", ::res_querydomain);
       session.note(std::to_string(query(long_name.c_str(), "a", 1, 1, answer, sizeof answer)));
       session.call(session.either("res_send", ::res_send), message, 4, answer, 4);
     }},
    {"WithAState", "-1, -1, -1 EINVAL, -1 and HOST_NOT_FOUND",
     [](Session& session) {
       unsigned char answer[512];
       const unsigned char message[4] = {};
       const std::string long_name(2000, 'x');
       const char* const name = long_name.c_str();
       const int server = udp_socket(session);
       const auto state = state_for(server);
       const auto query = session.either("res_nquery", ::res_nquery);
       const auto search = session.either("res_nsearch", ::res_nsearch);
       const auto query_domain = session.either("res_nquerydomain", ::res_nquerydomain);
       session.note(std::to_string(search(state.get(), name, 1, 1, answer, sizeof answer)));
       session.note(
           std::to_string(query_domain(state.get(), name, "a", 1, 1, answer, sizeof answer)));
       session.call(session.either("res_nsend", ::res_nsend), state.get(), message, 4, answer, 4);
       session.meanwhile([&session, server] { deny(session, server); });
       session.note(
           std::to_string(query(state.get(), "colibri.test", 1, 1, answer, sizeof answer)));
       session.append(state->res_h_errno == HOST_NOT_FOUND ? "and HOST_NOT_FOUND" : "and another");
       session.finish_helpers();
     }},
};

template <class Record>
void note_record(Session& session, const Record* record, char* Record::*name) {
  session.note(record != nullptr ? record->*name : "nobody");
}

const ParityCase kAccounts[] = {
    {"Users", "root, root, nobody without errno",
     [](Session& session) {
       note_record(session, session.either("getpwnam", ::getpwnam)("root"), &passwd::pw_name);
       note_record(session, session.either("getpwuid", ::getpwuid)(0), &passwd::pw_name);
       errno = 0;
       const passwd* none = session.either("getpwnam", ::getpwnam)("no-such-user");
       note_record(session, none, &passwd::pw_name);
       session.append(errno == 0 ? "without errno" : strerrorname_np(errno));
     }},
    {"Groups", "root, root, nobody",
     [](Session& session) {
       note_record(session, session.either("getgrnam", ::getgrnam)("root"), &group::gr_name);
       note_record(session, session.either("getgrgid", ::getgrgid)(0), &group::gr_name);
       note_record(session, session.either("getgrnam", ::getgrnam)("no-such"), &group::gr_name);
     }},
    {"IntoABuffer", "0, root at /root, 34, nobody, 0, root without members, 0, root, 0, root",
     [](Session& session) {
       passwd user{};
       passwd* found = nullptr;
       group members{};
       group* found_group = nullptr;
       char buffer[4096];
       const auto by_name = session.either("getpwnam_r", ::getpwnam_r);
       session.note(std::to_string(by_name("root", &user, buffer + 3, 4000, &found)));
       note_record(session, found, &passwd::pw_name);
       session.append(std::string("at ") + user.pw_dir);
       session.note(std::to_string(by_name("root", &user, buffer, 4, &found)));
       note_record(session, found, &passwd::pw_name);
       session.note(std::to_string(session.either("getgrnam_r", ::getgrnam_r)(
           "root", &members, buffer, sizeof buffer, &found_group)));
       note_record(session, found_group, &group::gr_name);
       session.append(*members.gr_mem == nullptr ? "without members" : "with members");
       session.note(std::to_string(
           session.either("getpwuid_r", ::getpwuid_r)(0, &user, buffer, sizeof buffer, &found)));
       note_record(session, found, &passwd::pw_name);
       session.note(std::to_string(session.either("getgrgid_r", ::getgrgid_r)(
           0, &members, buffer, sizeof buffer, &found_group)));
       note_record(session, found_group, &group::gr_name);
     }},
};

class NamesParity : public testing::TestWithParam<ParityCase> {
 protected:
  /// libc keeps a descriptor or two for itself once it has looked something up.
  static void SetUpTestSuite() {
    if (addrinfo* list = nullptr; getaddrinfo("localhost", "http", nullptr, &list) == 0) {
      freeaddrinfo(list);
    }
    getpwnam("root");
    getgrnam("root");
  }
};

TEST_P(NamesParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Addresses, NamesParity, testing::ValuesIn(kAddresses),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Names, NamesParity, testing::ValuesIn(kNames),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Hosts, NamesParity, testing::ValuesIn(kHosts),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Queries, NamesParity, testing::ValuesIn(kQueries),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Accounts, NamesParity, testing::ValuesIn(kAccounts),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
