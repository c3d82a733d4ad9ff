#include "test/support/hooked_calls.h"

#include <gtest/gtest.h>

#include "test/support/channels.h"
#include "test/support/stdio_functions.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

long wait_in_reader(Session& session, const Channel& channel, const Reader& reader) {
  char bytes[10];
  return reader.call(session.libc, channel.open(session).reader, bytes, sizeof bytes, 0);
}

/// A write to a full channel. What filled it counts for nothing.
long wait_in_writer(Session& session, const Channel& channel, const Writer& writer) {
  const auto [reader, descriptor] = channel.open(session);
  make_buffers_small(session, {reader, descriptor});
  fill(session, descriptor);
  const std::string text(8192, 'x');
  return writer.call(session.libc, descriptor, text.data(), text.size(), 0);
}

long wait_in_clock(Session& session, clockid_t clock, int flags) {
  timespec time{};
  if (flags == TIMER_ABSTIME) clock_gettime(clock, &time);
  time.tv_sec += 100;
  errno = session.libc.clock_nanosleep(clock, flags, &time, nullptr);
  return errno == 0 ? 0 : -1;
}

void add_transfers(std::vector<WaitingCall>& calls) {
  for (const Channel& channel : kChannels) {
    const std::string prefix = std::string(channel.name) + "_";
    for (const Reader& reader : kReaders) {
      if (reader.has_flags && channel.kind == kPipeChannel) continue;
      calls.push_back({prefix + reader.name,
                       [&](Session& session) { return wait_in_reader(session, channel, reader); }});
    }
    for (const Writer& writer : kWriters) {
      // UDP loses what there is no room for.
      if (channel.kind == kUdpChannel || (writer.has_flags && channel.kind == kPipeChannel)) {
        continue;
      }
      calls.push_back({prefix + writer.name,
                       [&](Session& session) { return wait_in_writer(session, channel, writer); }});
    }
  }
}

/// A message to a receiver whose queue is full.
void add_named_messages(std::vector<WaitingCall>& calls) {
  calls.push_back({"sendto_a_full_receiver", [](Session& session) {
                     const sockaddr_un to = unix_address();
                     full_receiver(session, to);
                     const int socket = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
                     return session.libc.sendto(socket, "x", 1, 0, generic(to), sizeof to);
                   }});
  calls.push_back({"sendmsg_to_a_full_receiver", [](Session& session) {
                     sockaddr_un to = unix_address();
                     full_receiver(session, to);
                     const int socket = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
                     msghdr message{};
                     message.msg_name = &to;
                     message.msg_namelen = sizeof to;
                     return session.libc.sendmsg(socket, &message, 0);
                   }});
}

/// `act(io, stream)` on a stream without a buffer.
template <class Act>
long wait_in_stream(Session& session, int number, const char* mode, Act act) {
  const Stdio io(session);
  FILE* stream = io.fdopen(session.libc.dup(number), mode);
  io.setvbuf(stream, nullptr, _IONBF, 0);
  const long result = act(io, stream);
  const int error = errno;
  io.fclose(stream);
  errno = error;
  return result;
}

int full_pipe(Session& session) {
  const int writer = pipe_ends(session).writer;
  fill(session, writer);
  return writer;
}

void add_streams(std::vector<WaitingCall>& calls) {
  calls.push_back({"getc", [](Session& session) {
                     return wait_in_stream(session, pipe_ends(session).reader, "r",
                                           [](const Stdio& io, FILE* in) { return io.getc(in); });
                   }});
  calls.push_back({"fputs", [](Session& session) {
                     return wait_in_stream(
                         session, full_pipe(session), "w",
                         [](const Stdio& io, FILE* out) { return io.fputs("hello", out); });
                   }});
  calls.push_back({"dprintf", [](Session& session) {
                     return Stdio(session).dprintf(full_pipe(session), "%d", 12345);
                   }});
}

void add_connections(std::vector<WaitingCall>& calls) {
  calls.push_back({"accept", [](Session& session) {
                     return session.libc.accept(listener(session), nullptr, nullptr);
                   }});
  calls.push_back({"accept4", [](Session& session) {
                     return session.libc.accept4(listener(session), nullptr, nullptr, 0);
                   }});
  calls.push_back({"connect", [](Session& session) {
                     const int listening = listener(session, 0);
                     connected_to(session, listening);  // nobody will answer the next one
                     const sockaddr_in address = address_of(listening);
                     const int socket = session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0));
                     return session.libc.connect(socket, generic(address), sizeof address);
                   }});
}

void add_selects(std::vector<WaitingCall>& calls) {
  const auto add = [&](const char* name, auto select) {
    calls.push_back({name, [select](Session& session) {
                       const int descriptor = pipe_ends(session).reader;
                       fd_set set;
                       FD_ZERO(&set);
                       FD_SET(descriptor, &set);
                       return select(session.libc, descriptor + 1, &set);
                     }});
  };
  add("select", [](const Libc& libc, int count, fd_set* set) {
    return libc.select(count, set, nullptr, nullptr, nullptr);
  });
  add("pselect", [](const Libc& libc, int count, fd_set* set) {
    const timespec time{100, 0};
    return libc.pselect(count, set, nullptr, nullptr, &time, nullptr);
  });
  calls.push_back({"select_of_nothing", [](Session& session) {
                     timeval time{100, 0};
                     return session.libc.select(0, nullptr, nullptr, nullptr, &time);
                   }});
}

void add_epoll_waits(std::vector<WaitingCall>& calls) {
  const auto add = [&](const char* name, auto wait) {
    calls.push_back({name, [wait](Session& session) {
                       const int set = session.own(epoll_create1(0));
                       epoll_event event{EPOLLIN, {}};
                       EXPECT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, pipe_ends(session).reader, &event),
                                 0);
                       return wait(session.libc, set, &event);
                     }});
  };
  add("epoll_wait", [](const Libc& libc, int set, epoll_event* event) {
    return libc.epoll_wait(set, event, 1, -1);
  });
  add("epoll_pwait", [](const Libc& libc, int set, epoll_event* event) {
    return libc.epoll_pwait(set, event, 1, 100'000, nullptr);
  });
  add("epoll_pwait2", [](const Libc& libc, int set, epoll_event* event) {
    const timespec time{100, 0};
    return libc.epoll_pwait2(set, event, 1, &time, nullptr);
  });
}

void add_others(std::vector<WaitingCall>& calls) {
  calls.push_back({"poll", [](Session& session) {
                     pollfd query{pipe_ends(session).reader, POLLIN, 0};
                     return session.libc.poll(&query, 1, -1);
                   }});
  calls.push_back({"poll_of_two", [](Session& session) {
                     pollfd query[] = {{pipe_ends(session).reader, POLLIN, 0},
                                       {tcp_ends(session).reader, POLLIN, 0}};
                     return session.libc.poll(query, 2, 100'000);
                   }});
  calls.push_back(
      {"poll_of_nothing", [](Session& session) { return session.libc.poll(nullptr, 0, -1); }});
  calls.push_back({"ppoll", [](Session& session) {
                     pollfd query{pipe_ends(session).reader, POLLIN, 0};
                     sigset_t mask;
                     pthread_sigmask(SIG_SETMASK, nullptr, &mask);
                     return session.libc.ppoll(&query, 1, nullptr, &mask);
                   }});
  calls.push_back({"usleep", [](Session& session) { return session.libc.usleep(100'000'000); }});
  calls.push_back({"nanosleep", [](Session& session) {
                     const timespec time{100, 0};
                     return session.libc.nanosleep(&time, nullptr);
                   }});
  calls.push_back(
      {"sleep", [](Session& session) { return session.libc.sleep(100) != 0 ? -1 : 0; }});
  for (const auto& [name, clock] :
       {std::pair("monotonic", CLOCK_MONOTONIC), std::pair("realtime", CLOCK_REALTIME),
        std::pair("boottime", CLOCK_BOOTTIME)}) {
    for (const int flags : {0, TIMER_ABSTIME}) {
      calls.push_back({"clock_nanosleep_" + std::string(name) + (flags == 0 ? "" : "_absolute"),
                       [clock = clock, flags](Session& session) {
                         return wait_in_clock(session, clock, flags);
                       }});
    }
  }
}

}  // namespace

std::vector<WaitingCall> waiting_calls() {
  std::vector<WaitingCall> calls;
  add_transfers(calls);
  add_named_messages(calls);
  add_streams(calls);
  add_connections(calls);
  add_selects(calls);
  add_epoll_waits(calls);
  add_others(calls);
  return calls;
}

}  // namespace colibri::test
