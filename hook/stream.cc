#include "colibri/hook/stream.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "colibri/core/libc.h"
#include "colibri/core/small_lock.h"

namespace colibri {
namespace {

constinit RealFunction real_fclose{"fclose", ::fclose};
constinit RealFunction real_fflush{"fflush", ::fflush};
constinit RealFunction real_setvbuf{"setvbuf", ::setvbuf};
constinit RealFunction real_fsetlocking{"__fsetlocking", ::__fsetlocking};

/// Takes a stream out of libc's list; there is no public way. Null: this libc has none at all.
using StreamAction = void (*)(FILE*);
constinit StreamAction leave_list_of_libc = nullptr;

/// From the last flush on, nothing parks: the program is in exit.
constinit std::atomic<bool> exiting{false};

/// libc changes it without telling us, but under our lock, or else it does not matter here.
template <class Member>
Member peek(const Member& member) noexcept {
  return __atomic_load_n(&member, __ATOMIC_RELAXED);
}

}  // namespace

bool StreamMode::parse(const char* text, StreamMode& mode) noexcept {
  mode = {};
  mode.kind = *text;
  if (mode.kind != 'r' && mode.kind != 'w' && mode.kind != 'a') return false;
  for (++text; *text != '\0' && *text != ','; ++text) {
    mode.updates |= *text == '+';
    mode.exclusive |= *text == 'x';
    mode.closes_on_exec |= *text == 'e';
  }
  return true;
}

int StreamMode::open_flags() const noexcept {
  int flags = updates ? O_RDWR : kind == 'r' ? O_RDONLY : O_WRONLY;
  if (kind != 'r') flags |= O_CREAT;
  if (kind == 'w') flags |= O_TRUNC;
  if (kind == 'a') flags |= O_APPEND;
  if (exclusive) flags |= O_EXCL;
  if (closes_on_exec) flags |= O_CLOEXEC;
  return flags;
}

/// All streams of ours, by their FILE.
class StreamTable {
 public:
  void add(Stream& stream) noexcept {
    Bucket& bucket = bucket_of(stream.file_);
    const SmallLockGuard guard(bucket.lock);
    stream.age_ = ++bucket.age_of_youngest;
    stream.next_ = bucket.first;
    bucket.first = &stream;
  }

  void remove(Stream& stream) noexcept {
    Bucket& bucket = bucket_of(stream.file_);
    const SmallLockGuard guard(bucket.lock);
    Stream** link = &bucket.first;
    while (*link != &stream) link = &(*link)->next_;
    *link = stream.next_;
  }

  Stream* find(const FILE* file) noexcept {
    Bucket& bucket = bucket_of(file);
    const SmallLockGuard guard(bucket.lock);
    Stream* each = bucket.first;
    while (each != nullptr && each->file_ != file) each = each->next_;
    return each;
  }

  /// fflush of all that have output. EOF with errno if one fails.
  int flush() noexcept {
    int result = 0;
    for_each([](const Stream& stream) { return stream.has_output(); },
             [&result](Stream& stream) {
               stream.lock();
               if (stream.file_ != nullptr && real_fflush(stream.file_) != 0) result = EOF;
               stream.unlock();
             });
    return result;
  }

  /// As libc does it at exit: without asking who holds the lock, unless he is in the midst of a
  /// transfer; what is written later goes out at once.
  void flush_at_exit() noexcept {
    exiting = true;
    for_each([](const Stream& stream) { return stream.writes_ && !stream.in_transfer_; },
             [](Stream& stream) {
               if (stream.file_ != nullptr) real_setvbuf(stream.file_, nullptr, _IONBF, 0);
             });
  }

  void before_fork() noexcept {
    for (Bucket& bucket : buckets_) bucket.lock.lock();
  }
  void after_fork() noexcept {
    for (Bucket& bucket : buckets_) bucket.lock.unlock();
  }
  /// Who held a lock in the parent, if it was not who forked, is not there to give it back.
  void after_fork_in_child() noexcept {
    for (Bucket& bucket : buckets_) {
      for (Stream* each = bucket.first; each != nullptr; each = each->next_) each->forget_others();
    }
    after_fork();
  }

 private:
  struct Bucket {
    SmallLock lock;  // over the rest, and over links and ages of the streams
    Stream* first = nullptr;
    std::uint64_t age_of_youngest = 0;
  };

  Bucket& bucket_of(const FILE* file) noexcept {
    // A FILE takes some 500 bytes.
    return buckets_[reinterpret_cast<std::uintptr_t>(file) / 512 % buckets_.size()];
  }

  /// Calls `act(stream)` once for each that is wanted, without a lock of the table: streams may
  /// come and go meanwhile.
  template <class Wanted, class Act>
  void for_each(Wanted wanted, Act act) noexcept {
    for (Bucket& bucket : buckets_) {
      std::uint64_t age = 0;
      while (Stream* stream = take_younger(bucket, age, wanted)) {
        age = stream->age_;
        act(*stream);
        stream->release();
      }
    }
  }

  /// The oldest that is younger than `age` and wanted, with a reference; null: none.
  template <class Wanted>
  static Stream* take_younger(Bucket& bucket, std::uint64_t age, Wanted wanted) noexcept {
    const SmallLockGuard guard(bucket.lock);
    Stream* next = nullptr;
    for (Stream* each = bucket.first; each != nullptr; each = each->next_) {
      // The youngest come first.
      if (each->age_ <= age) break;
      if (wanted(*each)) next = each;
    }
    if (next != nullptr) ++next->references_;
    return next;
  }

  std::array<Bucket, 64> buckets_;
};

namespace {

constinit StreamTable table;

[[gnu::constructor]] void prepare_streams() noexcept {
  leave_list_of_libc = reinterpret_cast<StreamAction>(find_real_function("_IO_un_link"));
  pthread_atfork([] { table.before_fork(); }, [] { table.after_fork(); },
                 [] { table.after_fork_in_child(); });
}

/// After what the program itself has for its end.
[[gnu::destructor(101)]] void flush_streams_at_exit() noexcept {
  table.flush_at_exit();
}

}  // namespace

/// What libc calls to read, write, seek and close.
struct Stream::Cookie {
  /// Notes, for its scope, that who holds the lock is in the midst of it.
  class Transfer {
   public:
    explicit Transfer(Stream& stream) noexcept : stream_(stream) { stream_.in_transfer_ = true; }
    ~Transfer() { stream_.in_transfer_ = false; }
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

   private:
    Stream& stream_;
  };

  static ssize_t read(void* cookie, char* buffer, std::size_t size) {
    Stream& stream = *static_cast<Stream*>(cookie);
    int error = 0;
    if (stream.may_park(error)) {
      const Transfer transfer(stream);
      return ::read(stream.number_, buffer, size);
    }
    if (error == 0) return real::read(stream.number_, buffer, size);
    errno = error;
    return -1;
  }

  /// Writes until all has gone or an error says why not, as libc does; the count of what has gone.
  static ssize_t write(void* cookie, const char* buffer, std::size_t size) {
    Stream& stream = *static_cast<Stream*>(cookie);
    int error = 0;
    if (!stream.may_park(error)) {
      if (error == 0) return write_all(real::write, stream.number_, buffer, size);
      errno = error;
      return 0;
    }
    const Transfer transfer(stream);
    return write_all(::write, stream.number_, buffer, size);
  }

  template <class Write>
  static ssize_t write_all(const Write& write, int number, const char* buffer, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t moved = write(number, buffer + done, size - done);
      if (moved < 0) break;
      done += static_cast<std::size_t>(moved);
    }
    return static_cast<ssize_t>(done);
  }

  static int seek(void* cookie, off64_t* offset, int whence) {
    const off64_t result = lseek64(static_cast<Stream*>(cookie)->number_, *offset, whence);
    if (result < 0) return -1;
    *offset = result;
    return 0;
  }

  static int close(void* cookie) {
    const Stream& stream = *static_cast<Stream*>(cookie);
    return stream.process_ != nullptr ? pclose(stream.process_) : ::close(stream.number_);
  }
};

FILE* Stream::open(int number, const StreamMode& mode, FILE* process) noexcept {
  if (leave_list_of_libc == nullptr) return nullptr;
  auto* stream = new (std::nothrow) Stream(number, mode.writes(), process);
  if (stream == nullptr) return nullptr;
  const char text[] = {mode.kind, mode.updates ? '+' : '\0', '\0'};
  FILE* file =
      fopencookie(stream, text, {Cookie::read, Cookie::write, Cookie::seek, Cookie::close});
  if (file == nullptr) {
    delete stream;
    return nullptr;
  }
  stream->attach(file);
  return file;
}

void Stream::attach(FILE* file) noexcept {
  leave_list_of_libc(file);
  real_fsetlocking(file, FSETLOCKING_BYCALLER);
  // For fileno, also as libraries read it that look inside. fopencookie knows of none.
  file->_fileno = number_;
  // freopen writes to where it points, and fopencookie lets it point nowhere.
  file->_wide_data = nullptr;
  file_ = file;
  table.add(*this);
}

Stream* Stream::find_in_table(const FILE* file) noexcept {
  return table.find(file);
}

void Stream::leave_table() noexcept {
  table.remove(*this);
}

void Stream::restore() noexcept {
  // It has no buffers for wide characters: libc takes it for one that bytes were written to.
  file_->_mode = -1;
  real_fsetlocking(file_, FSETLOCKING_INTERNAL);
  file_ = nullptr;
}

void Stream::release() noexcept {
  if (--references_ == 0) delete this;
}

int Stream::close() noexcept {
  lock();
  // Before libc frees the FILE, whose address may then be another's.
  leave_table();
  const int result = real_fclose(std::exchange(file_, nullptr));
  unlock();
  release();
  return result;
}

int Stream::flush_all() noexcept {
  return table.flush();
}

bool Stream::has_output() const noexcept {
  return peek(file_->_IO_write_ptr) > peek(file_->_IO_write_base);
}

bool Stream::may_park(int& error) noexcept {
  if (body().is_owned()) return !exiting.load(std::memory_order_relaxed);
  if (in_transfer_.load(std::memory_order_relaxed)) error = EDEADLK;
  return false;
}

void Stream::forget_others() noexcept {
  if (body().is_owned()) return;
  body().init(PTHREAD_MUTEX_RECURSIVE);
  in_transfer_ = false;
}

}  // namespace colibri
