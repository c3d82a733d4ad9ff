// fcntl, ioctl and the options of sockets give what libc gives.
#include <gtest/gtest.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "test/support/channels.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

using Control = int (*)(int, int, ...);

template <class Value>
void set_and_get(Session& session, int socket, int option, const Value& value) {
  session.call(session.libc.setsockopt, socket, SOL_SOCKET, option, &value,
               socklen_t{sizeof value});
  Value read_back{};
  socklen_t size = sizeof read_back;
  session.call(session.libc.getsockopt, socket, SOL_SOCKET, option, static_cast<void*>(&read_back),
               &size);
  session.append(memcmp(&value, &read_back, sizeof value) == 0 ? "kept" : "changed");
}

void set_badly(Session& session, int socket, int option, const void* value, socklen_t size) {
  session.call(session.libc.setsockopt, socket, SOL_SOCKET, option, value, size);
}

/// fcntl and fcntl64.
std::vector<ParityCase> control_cases() {
  std::vector<ParityCase> cases;
  for (const bool large : {false, true}) {
    const auto add = [&](const char* name, const char* expected, auto act) {
      cases.push_back({(large ? "fcntl64_" : "fcntl_") + std::string(name), expected,
                       [large, act](Session& session) {
                         act(session, large ? session.libc.fcntl64 : session.libc.fcntl);
                       }});
    };
    add("StatusFlags", "0, non-blocking, 0, blocking", [](Session& session, Control control) {
      const Ends ends = unix_stream_ends(session);
      session.measure([&] { return control(ends.reader, F_SETFL, O_RDWR | O_NONBLOCK); });
      note_flags(session, ends.reader);
      // Without the access mode, as some client libraries do it.
      session.measure([&] { return control(ends.reader, F_SETFL, 0); });
      note_flags(session, ends.reader);
    });
    add("DescriptorFlags", "0, 0, 1", [](Session& session, Control control) {
      const Ends ends = unix_stream_ends(session);
      session.measure([&] { return control(ends.reader, F_GETFD); });
      session.measure([&] { return control(ends.reader, F_SETFD, FD_CLOEXEC); });
      session.measure([&] { return control(ends.reader, F_GETFD); });
    });
    add("CopyAbove", "at least 600, 5 hello", [](Session& session, Control control) {
      const Ends ends = pipe_ends(session);
      const int copy = session.own(control(ends.reader, F_DUPFD, 600));
      session.note_if(copy >= 600, "at least 600");
      session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
      try_read(session, copy);
    });
    add("CommandsThatHooksDoNotKnow", "65536, 131072, 131072, -1 EINVAL, 0, 0, 0, 8, -1 EINVAL",
        [](Session& session, Control control) {
          const Ends ends = pipe_ends(session);
          session.measure([&] { return control(ends.reader, F_GETPIPE_SZ); });
          session.measure([&] { return control(ends.reader, F_SETPIPE_SZ, 131072); });
          session.measure([&] { return control(ends.reader, F_GETPIPE_SZ); });
          session.measure([&] { return control(ends.reader, F_GET_SEALS); });
          const int memory = session.own(memfd_create("test", MFD_ALLOW_SEALING));
          session.measure([&] { return control(memory, F_GET_SEALS); });
          session.measure([&] { return control(memory, F_ADD_SEALS, F_SEAL_WRITE); });
          struct flock lock {};
          lock.l_type = F_RDLCK;
          session.measure([&] { return control(memory, F_GETLK, &lock); });
          session.measure([&] { return control(memory, F_GET_SEALS); });
          session.measure([&] { return control(memory, 4711); });
        });
    add("Errors", "-1 EBADF, -1 EBADF, -1 EBADF", [](Session& session, Control control) {
      session.measure([&] { return control(-1, F_GETFL); });
      session.measure([&] { return control(free_number(session), F_SETFL, O_NONBLOCK); });
      session.measure([&] { return control(2147483647, F_GETFD); });
    });
  }
  return cases;
}

const ParityCase kOptions[] = {
    {"IoctlNonBlocking", "0, non-blocking, 0, blocking",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       for (int on : {1, 0}) {
         session.measure([&] { return session.libc.ioctl(ends.reader, FIONBIO, &on); });
         note_flags(session, ends.reader);
       }
     }},
    {"IoctlErrors", "-1 EBADF, -1 EFAULT, -1 ENOTTY",
     [](Session& session) {
       int on = 1;
       const Ends ends = pipe_ends(session);
       session.measure([&] { return session.libc.ioctl(-1, FIONBIO, &on); });
       session.measure([&] { return session.libc.ioctl(ends.reader, FIONBIO, bad_pointer()); });
       session.measure([&] { return session.libc.ioctl(ends.reader, TIOCGWINSZ, &on); });
     }},
    {"IoctlThatHooksDoNotKnow", "0 5",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       put(session, ends.writer, "hello");
       pollfd query{ends.reader, POLLIN, 0};
       session.libc.poll(&query, 1, -1);
       int waiting = 0;
       session.measure([&] { return session.libc.ioctl(ends.reader, FIONREAD, &waiting); });
       session.append(std::to_string(waiting));
     }},
    // A rival cuts time-outs at 65 seconds.
    {"TimeOutsAreKept", "0, 0 kept, 0, 0 kept, 0, 0 kept, 0, 0 kept",
     [](Session& session) {
       const int socket = tcp_ends(session).reader;
       set_and_get(session, socket, SO_RCVTIMEO, timeval{70, 0});
       set_and_get(session, socket, SO_SNDTIMEO, timeval{70, 0});
       set_and_get(session, socket, SO_RCVTIMEO, timeval{0, 0});
       set_and_get(session, socket, SO_RCVLOWAT, int{7});
     }},
    {"ALongTimeOutWaits", "5 hello",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       set_timeout(session, ends.reader, SO_RCVTIMEO, 70'000'000);
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       try_read(session, ends.reader);
     }},
    {"OptionErrors",
     "-1 EDOM, -1 EINVAL, -1 EFAULT, -1 EBADF, -1 ENOTSOCK, -1 ENOPROTOOPT, 5 hello",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       const timeval bad{0, 1'000'000};
       set_badly(session, ends.reader, SO_RCVTIMEO, &bad, sizeof bad);
       set_badly(session, ends.reader, SO_RCVTIMEO, &bad, 4);
       set_badly(session, ends.reader, SO_RCVTIMEO, bad_pointer(), sizeof bad);
       set_badly(session, -1, SO_RCVTIMEO, &bad, sizeof bad);
       set_badly(session, pipe_ends(session).reader, SO_RCVTIMEO, &bad, sizeof bad);
       set_badly(session, ends.reader, 4711, &bad, sizeof bad);
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       try_read(session, ends.reader);
     }},
    {"TimeOutIsSharedByCopies", "-1 EAGAIN",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       const int copy = session.own(session.libc.dup(ends.reader));
       set_timeout(session, ends.reader, SO_RCVTIMEO, 5'000);
       try_read(session, copy);
     }},
    {"TimeOutIsInheritedByLaterCopies", "-1 EAGAIN",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_timeout(session, ends.reader, SO_RCVTIMEO, 5'000);
       const int copy = session.own(session.libc.dup(ends.reader));
       session.close(ends.reader);
       try_read(session, copy);
     }},
};

class ControlParity : public testing::TestWithParam<ParityCase> {};

TEST_P(ControlParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(Control, ControlParity, testing::ValuesIn(control_cases()),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Options, ControlParity, testing::ValuesIn(kOptions), name_of_case<Info>);

}  // namespace
}  // namespace colibri::test
