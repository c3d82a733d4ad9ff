#include "colibri/core/io_ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>
#include <system_error>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

// Small, since they count as locked memory; when they are full, they are handed over early.
constexpr unsigned kEntries = 256;
// More than those: what has been handed over before completes at any time.
constexpr unsigned kCompletions = 4096;

constexpr int kMostTries = 20;
constexpr long kMomentNanoseconds = 1'000'000;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// The kernel's way with registrations.
long register_with(int ring, unsigned operation, void* argument, unsigned count) noexcept {
  return real::syscall(SYS_io_uring_register, ring, operation, argument, count);
}

}  // namespace

UnforkedMemory::~UnforkedMemory() {
  if (memory_ != nullptr) munmap(memory_, bytes_);
}

void UnforkedMemory::map(std::size_t bytes, int descriptor, std::int64_t offset) {
  const int flags = descriptor >= 0 ? MAP_SHARED | MAP_POPULATE : MAP_PRIVATE | MAP_ANONYMOUS;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, descriptor, offset);
  if (memory == MAP_FAILED && errno == ENOMEM) throw std::bad_alloc();
  if (memory == MAP_FAILED) fail("colibri: io_uring gives no memory");
  memory_ = memory;
  bytes_ = bytes;
  if (madvise(memory, bytes, MADV_DONTFORK) != 0) fail("colibri: io_uring and forks");
}

IoRing::IoRing() {
  io_uring_params parameters{};
  set_up(parameters);
  map_queues(parameters);
  register_ring();
}

void IoRing::set_up(io_uring_params& parameters) {
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  parameters.cq_entries = kCompletions;
  long ring = real::syscall(SYS_io_uring_setup, kEntries, &parameters);
  // What rings before this one have locked is given back a moment after their end.
  for (int tries = 0; ring < 0 && errno == ENOMEM && tries < kMostTries; ++tries) {
    const timespec moment{0, kMomentNanoseconds};
    real::nanosleep(&moment, nullptr);
    ring = real::syscall(SYS_io_uring_setup, kEntries, &parameters);
  }
  ring_.adopt(static_cast<int>(ring), "colibri: io_uring_setup failed");
  constexpr unsigned kNeeded =
      IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
  if ((parameters.features & kNeeded) != kNeeded) {
    errno = EOPNOTSUPP;
    fail("colibri: io_uring lacks what Linux 6.1 has");
  }
}

void IoRing::map_queues(const io_uring_params& parameters) {
  const io_sqring_offsets& submissions = parameters.sq_off;
  const io_cqring_offsets& completions = parameters.cq_off;
  queues_.map(std::max(submissions.array + parameters.sq_entries * sizeof(unsigned),
                       completions.cqes + parameters.cq_entries * sizeof(io_uring_cqe)),
              ring_.number(), IORING_OFF_SQ_RING);
  entries_memory_.map(parameters.sq_entries * sizeof(io_uring_sqe), ring_.number(),
                      IORING_OFF_SQES);
  entry_count_ = parameters.sq_entries;
  completion_mask_ = *queues_.at<unsigned>(completions.ring_mask);
  submission_head_ = queues_.at<unsigned>(submissions.head);
  submission_tail_ = queues_.at<unsigned>(submissions.tail);
  completion_head_ = queues_.at<unsigned>(completions.head);
  completion_tail_ = queues_.at<unsigned>(completions.tail);
  completions_ = queues_.at<io_uring_cqe>(completions.cqes);
  entries_ = entries_memory_.at<io_uring_sqe>(0);
  // Entries are used in their order.
  auto* order = queues_.at<unsigned>(submissions.array);
  for (unsigned i = 0; i < entry_count_; ++i) order[i] = i;
}

/// Spares the kernel a look at the table of descriptors at each call, and us the question whether
/// the program has closed the descriptor.
void IoRing::register_ring() noexcept {
  io_uring_rsrc_update update{};
  update.offset = ~0U;
  update.data = static_cast<std::uint64_t>(ring_.number());
  if (register_with(ring_.number(), IORING_REGISTER_RING_FDS, &update, 1) == 1) {
    registered_ = static_cast<int>(update.offset);
  }
}

void IoRing::register_buffers(io_uring_buf_ring* ring, unsigned entries, std::uint16_t group) {
  io_uring_buf_reg description{};
  description.ring_addr = reinterpret_cast<std::uintptr_t>(ring);
  description.ring_entries = entries;
  description.bgid = group;
  if (register_with(ring_.number(), IORING_REGISTER_PBUF_RING, &description, 1) != 0) {
    fail("colibri: io_uring takes no buffers");
  }
}

io_uring_sqe* IoRing::next_entry() noexcept {
  if (unsubmitted() == entry_count_) {
    enter(0);
    if (unsubmitted() == entry_count_) return nullptr;
  }
  io_uring_sqe* entry = &entries_[tail_++ & (entry_count_ - 1)];
  std::memset(entry, 0, sizeof *entry);
  return entry;
}

bool IoRing::enter(std::int64_t timeout) noexcept {
  std::atomic_ref(*submission_tail_).store(tail_, std::memory_order_release);
  timespec time{};
  io_uring_getevents_arg argument{};
  unsigned flags = IORING_ENTER_GETEVENTS;
  if (timeout > 0) {
    time.tv_sec = timeout / 1'000'000'000;
    time.tv_nsec = timeout % 1'000'000'000;
    argument.ts = reinterpret_cast<std::uintptr_t>(&time);
    flags |= IORING_ENTER_EXT_ARG;
  }
  if (registered_ >= 0) flags |= IORING_ENTER_REGISTERED_RING;
  return real::syscall(SYS_io_uring_enter, registered_ >= 0 ? registered_ : ring_.number(),
                       unsubmitted(), timeout != 0 ? 1U : 0U, flags,
                       timeout > 0 ? &argument : nullptr,
                       timeout > 0 ? sizeof argument : std::size_t{0}) >= 0;
}

void IoRing::forget() noexcept {
  queues_.forget();
  entries_memory_.forget();
}

}  // namespace colibri
