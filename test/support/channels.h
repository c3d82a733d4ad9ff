// Connected descriptors of every kind that hooks tell apart, for the tables of the parity tests.
#pragma once

#include <netinet/in.h>
#include <sys/un.h>

#include <string>

#include "test/support/libc_parity.h"

namespace colibri::test {

/// Two ends; what goes in at `writer` comes out at `reader`. Owned by the session.
struct Ends {
  int reader;
  int writer;
};

Ends tcp_ends(Session& session);
Ends unix_stream_ends(Session& session);
Ends pipe_ends(Session& session);
Ends packet_pipe_ends(Session& session);
Ends datagram_ends(Session& session);
Ends seqpacket_ends(Session& session);
Ends udp_ends(Session& session);
Ends terminal_ends(Session& session);

/// Two connected Unix sockets that the hooks know nothing of, under numbers that nobody had before
/// (sanitizers close descriptors behind the hooks' back). Owned by the session.
Ends unknown_ends(Session& session, int type);

/// A socket that listens on a free port of the loopback interface. Owned by the session.
int listener(Session& session, int backlog = 16);

/// Where a socket of the Internet family is bound.
sockaddr_in address_of(int socket);
inline const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

inline const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// A UDP socket on a free port of the loopback interface, not connected. Owned by the session.
int udp_socket(Session& session);

/// A stream socket connected to `listening`, not waiting for accept. Owned by the session; helpers
/// may call it.
int connected_to(Session& session, int listening);

/// A name of the abstract namespace that nobody else has, also in other sandboxes.
sockaddr_un unix_address();

/// A Unix datagram socket that is bound to `address` and whose queue others have filled: nothing
/// tells a sender when there is room. Owned by the session.
int full_receiver(Session& session, const sockaddr_un& address);

/// An address of the loopback interface that refuses connections.
sockaddr_in refusing_address(Session& session);

/// What a kind of channel is, for tables: sets of these bits say where a row applies.
enum ChannelKind : unsigned {
  kTcpChannel = 1,
  kUnixStreamChannel = 2,
  kPipeChannel = 4,
  kDatagramChannel = 8,
  kSeqpacketChannel = 16,
  kUdpChannel = 32,
  kStreamSocketChannels = kTcpChannel | kUnixStreamChannel,
  kStreamChannels = kStreamSocketChannels | kPipeChannel,
  kMessageChannels = kDatagramChannel | kSeqpacketChannel | kUdpChannel,
  kSocketChannels = kStreamSocketChannels | kMessageChannels,
  kAllChannels = kStreamChannels | kMessageChannels,
};

struct Channel {
  const char* name;
  ChannelKind kind;
  Ends (*open)(Session&);
};

inline constexpr Channel kChannels[] = {
    {"Tcp", kTcpChannel, tcp_ends},
    {"UnixStream", kUnixStreamChannel, unix_stream_ends},
    {"Pipe", kPipeChannel, pipe_ends},
    {"Datagram", kDatagramChannel, datagram_ends},
    {"Seqpacket", kSeqpacketChannel, seqpacket_ends},
    {"Udp", kUdpChannel, udp_ends},
};

// Verbs. Those of set-up abort the test's process when they fail: nothing would be proven.

/// Sets a time-out (SO_RCVTIMEO or SO_SNDTIMEO) of so many microseconds.
void set_timeout(Session& session, int socket, int option, long microseconds);
void set_nonblocking(Session& session, int descriptor, bool on = true);
void set_option(Session& session, int socket, int level, int option, int value);
/// Closes a TCP socket so that the peer gets a reset.
void reset_connection(Session& session, int socket);
/// Writes all of `text`; does not note.
void put(Session& session, int descriptor, const std::string& text);
/// Fixes the sizes of the sockets' buffers, so that what is full stays full. No effect on pipes.
void make_buffers_small(Session& session, const Ends& ends);
/// Writes until there is no room, and none appears for a while (TCP moves bytes on in the
/// background). The descriptor ends up blocking.
void fill(Session& session, int descriptor);
/// Notes whether the program believes the descriptor to be non-blocking.
void note_flags(Session& session, int descriptor);
/// A descriptor number that nothing is open under.
int free_number(Session& session);
/// Reads until `size` bytes have come or the stream has ended; does not note. Sleeps in the kernel
/// or parks.
std::string take(Session& session, int descriptor, std::size_t size);

}  // namespace colibri::test
