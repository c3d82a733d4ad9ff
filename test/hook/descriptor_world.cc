#include "test/hook/descriptor_world.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <vector>

#include "test/support/ancillary.h"
#include "test/support/channels.h"
#include "test/support/child_process.h"

namespace colibri::test {
namespace {

enum class Kind { kPipe, kStream, kDatagram, kSeqpacket };

/// A descriptor of the world's, and what the world knows of it. Two slots with the same channel and
/// the same end mean the same description.
struct Slot {
  int number = -1;
  int channel = 0;
  int end = 0;  // of a pipe, 0 is for reading
};

/// Two ends that are connected.
struct Duct {
  Kind kind;
  // Once a description has travelled in a message, the hooks do not know the copy for one.
  std::array<bool, 2> has_travelled{};
  std::array<bool, 2> is_shut_to_write{};
};

/// All of one seed. Lies in the heap, since helpers refer to it.
class World {
 public:
  World(Session& session, unsigned seed) : session_(session), libc_(session.libc), random_(seed) {}
  ~World() {
    for (const Slot& slot : slots_) {
      if (slot.number >= 0) libc_.close(slot.number);
    }
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void play(std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i) {
      act();
      session_.finish_helpers();
    }
  }

 private:
  unsigned draw(std::size_t below) { return static_cast<unsigned>(random_() % below); }
  Slot& draw_slot() { return slots_[draw(slots_.size())]; }

  void act() {
    switch (draw(17)) {
      case 0:
      case 1:
        return make_pair();
      case 2:
        return copy_by_dup();
      case 3:
        return copy_onto();
      case 4:
        return copy_by_fcntl();
      case 5:
        return close_one();
      case 6:
        return close_behind_the_back();
      case 7:
        return draw(4) == 0 ? close_some() : pass_on();
      case 8:
        return set_flags();
      case 9:
      case 10:
        return write_some();
      case 11:
      case 12:
        return read_some();
      case 13:
        return poll_all();
      case 14:
        return draw(3) == 0 ? write_much() : shut_down();
      case 15:
        return draw(4) == 0 ? fork_and_read() : read_some();
      default:
        return poll_and_wait();
    }
  }

  // Life -----------------------------------------------------------------------------------------

  void make_pair() {
    Slot* const first = free_slot();
    Slot* const second = free_slot(first);
    if (second == nullptr) return;
    const auto kind = static_cast<Kind>(draw(4));
    const bool nonblocking = draw(3) == 0;
    int ends[2];
    if (kind == Kind::kPipe) {
      session_.call(libc_.pipe2, ends, nonblocking ? O_NONBLOCK | O_CLOEXEC : O_CLOEXEC);
    } else {
      const int type = kind == Kind::kStream     ? SOCK_STREAM
                       : kind == Kind::kDatagram ? SOCK_DGRAM
                                                 : SOCK_SEQPACKET;
      session_.call(libc_.socketpair, AF_UNIX,
                    type | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0, ends);
    }
    const int channel = static_cast<int>(ducts_.size());
    ducts_.push_back({kind});
    *first = {ends[0], channel, 0};
    *second = {ends[1], channel, 1};
  }

  void copy_by_dup() {
    note_copy(draw_slot(), [this](int number) { return libc_.dup(number); });
  }

  void copy_by_fcntl() {
    note_copy(draw_slot(), [this](int number) { return libc_.fcntl(number, F_DUPFD_CLOEXEC, 50); });
  }

  void copy_onto() {
    const Slot from = draw_slot();
    Slot& to = draw_slot();
    if (to.number < 0) return;
    const int result = draw(2) == 0 ? libc_.dup2(from.number, to.number)
                                    : libc_.dup3(from.number, to.number, O_CLOEXEC);
    session_.note(result == to.number ? "onto" : "not onto");
    if (result == to.number) to = {to.number, from.channel, from.end};
  }

  void close_one() {
    Slot& slot = draw_slot();
    session_.call(libc_.close, slot.number);
    slot.number = -1;
  }

  void close_behind_the_back() {
    Slot& slot = draw_slot();
    if (slot.number >= 0) real::syscall(SYS_close, slot.number);
    slot.number = -1;
  }

  /// All numbers between those of two slots, if nothing else lies there.
  void close_some() {
    const Slot& one = draw_slot();
    const Slot& other = draw_slot();
    const int first = std::min(one.number, other.number);
    const int last = std::max(one.number, other.number);
    if (first < 0 || !has_all_between(first, last)) return;
    session_.call(session_.either("close_range", ::close_range), static_cast<unsigned>(first),
                  static_cast<unsigned>(last), 0);
    for (Slot& slot : slots_) {
      if (slot.number >= first && slot.number <= last) slot.number = -1;
    }
  }

  /// Sends a descriptor over a socket, and receives it.
  void pass_on() {
    const Slot& slot = draw_slot();
    Slot* const target = free_slot();
    if (slot.number < 0 || target == nullptr) return;
    int ends[2];
    EXPECT_EQ(libc_.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const std::string text = "x";
    const auto outgoing = std::make_unique<OutgoingDescriptor>(text, slot.number);
    const auto incoming = std::make_unique<IncomingMessage>(10);
    EXPECT_EQ(libc_.sendmsg(ends[0], &outgoing->header, 0), 1);
    EXPECT_EQ(libc_.recvmsg(ends[1], &incoming->header, 0), 1);
    libc_.close(ends[0]);
    libc_.close(ends[1]);
    duct_of(slot).has_travelled[static_cast<std::size_t>(slot.end)] = true;
    *target = {incoming->descriptor(), slot.channel, slot.end};
    session_.note_if(target->number >= 0, "passed on");
  }

  void set_flags() {
    const Slot& slot = draw_slot();
    const bool on = draw(2) == 0;
    // Not where a copy of which the hooks do not know shares them.
    if (slot.number >= 0 && duct_of(slot).has_travelled[static_cast<std::size_t>(slot.end)]) return;
    const int flags = libc_.fcntl(slot.number, F_GETFL);
    session_.note("flags " + std::to_string(flags));
    if (flags < 0) return;
    EXPECT_EQ(libc_.fcntl(slot.number, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK), 0);
  }

  // Transfers ------------------------------------------------------------------------------------

  void write_some() {
    const Slot& slot = draw_slot();
    const std::string text(1 + draw(50), static_cast<char>('a' + draw(26)));
    // A full queue of datagrams makes a writer wait, and nobody reads.
    if (slot.number >= 0 && duct_of(slot).kind != Kind::kPipe) {
      session_.call(libc_.send, slot.number, static_cast<const void*>(text.data()), text.size(),
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      session_.call(libc_.write, slot.number, static_cast<const void*>(text.data()), text.size());
    }
  }

  /// If it has to wait, another writes meanwhile.
  void read_some() {
    const Slot slot = draw_slot();
    const std::size_t size = 1 + draw(60);
    if (!let_bytes_come(slot)) return;
    std::string room(size, '.');
    const ssize_t got =
        session_.call(libc_.read, slot.number, static_cast<void*>(room.data()), size);
    session_.append(room.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
  }

  /// More than there is room for, while another reads.
  void write_much() {
    const Slot slot = draw_slot();
    const Slot* const peer = peer_of(slot);
    if (peer == nullptr || is_nonblocking(slot) || is_nonblocking(*peer)) return;
    const Kind kind = duct_of(slot).kind;
    if ((kind != Kind::kPipe && kind != Kind::kStream) || !may_read(*peer)) return;
    if (is_ready(slot, POLLERR | POLLHUP) || !is_ready(slot, POLLOUT)) return;
    pollfd query{peer->number, POLLRDHUP, 0};
    if (real::poll(&query, 1, 0) != 0) return;
    int outstanding = 0;
    real::ioctl(peer->number, FIONREAD, &outstanding);
    const std::string text(300'000, 'm');
    session_.meanwhile(
        [this, number = peer->number, size = text.size() + static_cast<std::size_t>(outstanding)] {
          take(session_, number, size);
        });
    session_.call(libc_.write, slot.number, static_cast<const void*>(text.data()), text.size());
  }

  void shut_down() {
    const Slot& slot = draw_slot();
    const int how = static_cast<int>(draw(2));
    if (session_.call(libc_.shutdown, slot.number, how) != 0) return;
    if (how == SHUT_WR) duct_of(slot).is_shut_to_write[static_cast<std::size_t>(slot.end)] = true;
  }

  // Events ---------------------------------------------------------------------------------------

  void poll_all() {
    std::array<pollfd, kSlots> queries;
    for (std::size_t i = 0; i < kSlots; ++i) queries[i] = {slots_[i].number, POLLIN | POLLOUT, 0};
    session_.call(libc_.poll, queries.data(), static_cast<nfds_t>(kSlots), 0);
    for (const pollfd& each : queries) session_.append(std::to_string(each.revents));
  }

  /// Waits until the slot, among two, has something to read.
  void poll_and_wait() {
    const Slot slot = draw_slot();
    const Slot other = draw_slot();
    if (slot.number < 0 || !may_read(slot) || !let_bytes_come(slot, true)) return;
    pollfd queries[] = {{slot.number, POLLIN, 0}, {other.number, POLLPRI, 0}};
    session_.call(libc_.poll, queries, 2, -1);
    for (const pollfd& each : queries) session_.append(std::to_string(each.revents));
  }

  /// A child reads what the parent writes.
  void fork_and_read() {
    // ThreadSanitizer keeps quiet in the child of a process that has had several threads, but only
    // until another of its fibres runs; then it reports what is no race.
    if (kThreadSanitizer) return;
    const Slot slot = draw_slot();
    const Slot* const peer = peer_of(slot);
    if (peer == nullptr || !may_read(slot) || is_nonblocking(slot)) return;
    const bool waits = !is_ready(slot, POLLIN);
    if (waits && !is_ready(*peer, POLLOUT)) return;
    flush_before_fork();
    const pid_t child = fork();
    if (child == 0) {
      for (const Slot& each : slots_) {
        if (each.number >= 0 && each.number != slot.number) libc_.close(each.number);
      }
      char room[100];
      _exit(static_cast<int>(libc_.read(slot.number, room, sizeof room)) & 0x7f);
    }
    if (waits) libc_.write(peer->number, "child", 5);
    session_.note("child " + std::to_string(exit_status_of(child)));
  }

  // What the world knows -------------------------------------------------------------------------

  template <class Copy>
  void note_copy(const Slot& from, Copy copy) {
    Slot* const target = free_slot();
    if (target == nullptr) return;
    const int number = copy(from.number);
    session_.note_if(number >= 0, "copied");
    if (number >= 0) *target = {number, from.channel, from.end};
  }

  Slot* free_slot(const Slot* but = nullptr) {
    for (Slot& slot : slots_) {
      if (slot.number < 0 && &slot != but) return &slot;
    }
    return nullptr;
  }

  Duct& duct_of(const Slot& slot) { return ducts_[static_cast<std::size_t>(slot.channel)]; }

  bool may_read(const Slot& slot) { return duct_of(slot).kind != Kind::kPipe || slot.end == 0; }

  /// A slot with the other end of the same channel, which may write; null if there is none.
  const Slot* peer_of(const Slot& slot) const {
    if (slot.number < 0) return nullptr;
    const Duct& duct = ducts_[static_cast<std::size_t>(slot.channel)];
    if (duct.is_shut_to_write[static_cast<std::size_t>(1 - slot.end)]) return nullptr;
    for (const Slot& each : slots_) {
      if (each.number >= 0 && each.channel == slot.channel && each.end != slot.end) return &each;
    }
    return nullptr;
  }

  static bool is_nonblocking(const Slot& slot) {
    return (real::fcntl(slot.number, F_GETFL) & O_NONBLOCK) != 0;
  }

  static bool is_ready(const Slot& slot, short events) {
    pollfd query{slot.number, events, 0};
    return real::poll(&query, 1, 0) != 0;
  }

  /// A read of the slot would return, or somebody will write as soon as this flow waits. False: it
  /// would wait for ever. A poll waits on what is non-blocking, too.
  bool let_bytes_come(const Slot& slot, bool by_poll = false) {
    if (slot.number < 0 || !may_read(slot) || is_ready(slot, POLLIN)) return true;
    if (!by_poll && is_nonblocking(slot)) return true;
    const Slot* const peer = peer_of(slot);
    if (peer == nullptr || !is_ready(*peer, POLLOUT)) return false;
    session_.meanwhile([this, number = peer->number] { libc_.write(number, "late", 4); });
    return true;
  }

  bool has_all_between(int first, int last) const {
    for (int number = first; number <= last; ++number) {
      const bool ours = std::any_of(slots_.begin(), slots_.end(),
                                    [&](const Slot& slot) { return slot.number == number; });
      if (!ours && real::fcntl(number, F_GETFD) >= 0) return false;
    }
    return true;
  }

  static constexpr std::size_t kSlots = 12;

  Session& session_;
  const Libc& libc_;
  std::mt19937 random_;
  std::array<Slot, kSlots> slots_;
  std::vector<Duct> ducts_;
};

}  // namespace

void play_with_descriptors(Session& session, unsigned seed, std::size_t steps) {
  std::make_unique<World>(session, seed)->play(steps);
}

}  // namespace colibri::test
