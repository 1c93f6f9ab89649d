#define _GNU_SOURCE
#include "CLinux.h"
#include "result.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/falloc.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

int linux_open(const char *path, int flags, mode_t mode) { return result(open(path, flags | O_CLOEXEC, mode)); }
int linux_close(int fd) { return result(close(fd)); }
int linux_duplicate(int fd) { return result(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }
ssize_t linux_read(int fd, void *buffer, size_t count) { return result(read(fd, buffer, count)); }
ssize_t linux_write(int fd, const void *buffer, size_t count) { return result(write(fd, buffer, count)); }
ssize_t linux_pread(int fd, void *buffer, size_t count, int64_t offset) { return result(pread(fd, buffer, count, offset)); }
ssize_t linux_send_no_wait(int fd, const void *buffer, size_t count) {
  return result(send(fd, buffer, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}
int linux_rename(const char *from, const char *to) { return result(rename(from, to)); }
ssize_t linux_pwrite(int fd, const void *buffer, size_t count, int64_t offset) {
  return result(pwrite(fd, buffer, count, offset));
}
ssize_t linux_preadv(int fd, const struct iovec *pieces, int count, int64_t offset) {
  return result(preadv(fd, pieces, count, offset));
}
ssize_t linux_pwritev(int fd, const struct iovec *pieces, int count, int64_t offset) {
  return result(pwritev(fd, pieces, count, offset));
}
ssize_t linux_receive_no_wait(int fd, void *buffer, size_t count) { return result(recv(fd, buffer, count, MSG_DONTWAIT)); }

static int stream_socket(const char *path, int (*attach)(int, const struct sockaddr *, socklen_t)) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (attach(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int linux_connect(const char *path) { return stream_socket(path, connect); }
int linux_listen(const char *path) {
  int fd = stream_socket(path, bind);
  if (fd < 0 || listen(fd, SOMAXCONN) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}
int linux_accept(int fd) { return result(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)); }

static int listen_at(const struct sockaddr *address, socklen_t size) {
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
  if (fd < 0) return -errno;
  /* Connections of before that wait for their last packets (TIME_WAIT) do not keep the port; one who listens does. */
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 && bind(fd, address, size) == 0 &&
      listen(fd, SOMAXCONN) == 0)
    return fd;
  int error = errno;
  close(fd);
  return -error;
}
int linux_listen_tcp(const char *address, uint16_t port) {
  struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET6, address, &ipv6.sin6_addr) == 1) return listen_at((struct sockaddr *)&ipv6, sizeof ipv6);
  if (inet_pton(AF_INET, address, &ipv4.sin_addr) == 1) return listen_at((struct sockaddr *)&ipv4, sizeof ipv4);
  return -EINVAL;
}
int linux_local_port(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
  } address;
  socklen_t size = sizeof address;
  if (getsockname(fd, &address.any, &size) < 0) return -errno;
  return ntohs(address.any.sa_family == AF_INET6 ? address.ipv6.sin6_port : address.ipv4.sin_port);
}
int linux_send_at_once(int fd) {
  int yes = 1;
  return result(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes));
}

int64_t linux_peer_user(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ? -errno : (int64_t)peer.uid;
}

int linux_open_tap(const char *name, uint32_t header) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  if (strlen(name) >= sizeof request.ifr_name) return -ENAMETOOLONG;
  strcpy(request.ifr_name, name);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -errno;
  int size = (int)header;
  if (ioctl(fd, TUNSETIFF, &request) == 0 && ioctl(fd, TUNSETVNETHDRSZ, &size) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}
int linux_set_tap_offloads(int fd, uint32_t flags) { return result(ioctl(fd, TUNSETOFFLOAD, (unsigned long)flags)); }

int linux_truncate(int fd, int64_t length) { return result(ftruncate(fd, length)); }
int linux_sync_data(int fd) { return result(fdatasync(fd)); }
int linux_allocate(int fd, int64_t length) { return result(fallocate(fd, 0, 0, length)); }
int linux_punch_hole(int fd, int64_t offset, int64_t length) {
  return result(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
}
int linux_zero_range(int fd, int64_t offset, int64_t length) {
  return result(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length));
}
int64_t linux_end(int fd) { return result(lseek(fd, 0, SEEK_END)); }

int linux_lock_byte(int fd, int64_t offset) {
  struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
  return result(fcntl(fd, F_OFD_SETLK, &lock));
}
int linux_unlock_bytes(int fd, int64_t offset, int64_t count) {
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = count};
  return result(fcntl(fd, F_OFD_SETLK, &lock));
}
int linux_make_directory(const char *path) { return result(mkdir(path, 0700)); }
int linux_byte_is_locked(int fd, int64_t offset) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
  if (fcntl(fd, F_OFD_GETLK, &lock) < 0) return -errno;
  return lock.l_type != F_UNLCK;
}

static int take_status(int outcome, const struct stat *status, uint32_t *mode, int64_t *size, int64_t *modified_ns) {
  if (outcome < 0) return -errno;
  *mode = status->st_mode;
  *size = status->st_size;
  *modified_ns = status->st_mtim.tv_sec * INT64_C(1000000000) + status->st_mtim.tv_nsec;
  return 0;
}

int linux_status(int fd, uint32_t *mode, int64_t *size, int64_t *modified_ns) {
  struct stat status;
  int outcome = fstat(fd, &status);
  return take_status(outcome, &status, mode, size, modified_ns);
}

int linux_path_status(const char *path, uint32_t *mode, int64_t *size, int64_t *modified_ns) {
  struct stat status;
  int outcome = stat(path, &status);
  return take_status(outcome, &status, mode, size, modified_ns);
}

static int take_magic(int outcome, const struct statfs *status, int64_t *magic) {
  if (outcome != 0) return -errno;
  *magic = status->f_type;
  return 0;
}

int linux_file_system(int fd, int64_t *magic) {
  struct statfs status;
  int outcome = fstatfs(fd, &status);
  return take_magic(outcome, &status, magic);
}

int linux_path_file_system(const char *path, int64_t *magic) {
  struct statfs status;
  int outcome = statfs(path, &status);
  return take_magic(outcome, &status, magic);
}

int linux_touch(int fd) { return result(futimens(fd, NULL)); }

int linux_identity(int fd, uint64_t *device, uint64_t *inode, uint64_t *allocated) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  *device = status.st_dev;
  *inode = status.st_ino;
  *allocated = (uint64_t)status.st_blocks * 512;
  return 0;
}

int linux_path_identity(const char *path, uint32_t *mode, uint64_t *device, uint64_t *inode) {
  struct stat status;
  if (lstat(path, &status) < 0) return -errno;
  *mode = status.st_mode;
  *device = status.st_dev;
  *inode = status.st_ino;
  return 0;
}
static int lock_file(int fd, int operation) {
  int error;
  while ((error = result(flock(fd, operation))) == -EINTR) {}
  return error;
}
int linux_lock(int fd) { return lock_file(fd, LOCK_EX); }
int linux_lock_shared(int fd) { return lock_file(fd, LOCK_SH); }
int linux_try_lock(int fd) { return result(flock(fd, LOCK_EX | LOCK_NB)); }

int linux_map(void **address, size_t length, int protection, int flags, int fd, int64_t offset) {
  void *mapped = mmap(NULL, length, protection, flags, fd, offset);
  if (mapped == MAP_FAILED) return -errno;
  *address = mapped;
  return 0;
}
int linux_map_aligned(void **address, size_t length, size_t alignment) {
  /* Room for it wherever the kernel puts it; what lies before and behind is given back. */
  char *room;
  int error = linux_map((void **)&room, length + alignment, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (error < 0) return error;
  size_t before = -(uintptr_t)room & (alignment - 1);
  if (before > 0) munmap(room, before);
  munmap(room + before + length, alignment - before);
  *address = room + before;
  return 0;
}
int linux_unmap(void *address, size_t length) { return result(munmap(address, length)); }
int linux_advise(void *address, size_t length, int advice) { return result(madvise(address, length, advice)); }
int linux_memfd(const char *name) { return result(memfd_create(name, MFD_CLOEXEC)); }

void linux_release_code(void) {
  extern char __executable_start, etext; /* the linker's names for the two ends, end(3) */
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t start = ((uintptr_t)&__executable_start + page - 1) & ~(page - 1), end = (uintptr_t)&etext & ~(page - 1);
  if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
}

void linux_allow_many_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void linux_use_one_heap(void) { mallopt(M_ARENA_MAX, 1); }

int linux_eventfd(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
int linux_timerfd(void) { return result(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)); }

int linux_timerfd_arm(int fd, uint64_t deadline_ns, uint64_t interval_ns) {
  struct itimerspec when = {.it_value = timespec_from(deadline_ns), .it_interval = timespec_from(interval_ns)};
  return result(timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL));
}

int linux_signalfd(const sigset_t *mask) { return result(signalfd(-1, mask, SFD_CLOEXEC | SFD_NONBLOCK)); }
int linux_epoll(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

int linux_epoll_control(int epoll, int operation, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  return result(epoll_ctl(epoll, operation, fd, &event));
}

int linux_epoll_wait(int epoll, struct linux_event *events) {
  struct epoll_event ready[LINUX_EVENTS_MAX];
  int count = epoll_wait(epoll, ready, LINUX_EVENTS_MAX, -1);
  if (count < 0) return -errno;
  for (int i = 0; i < count; i++) events[i] = (struct linux_event){.fd = ready[i].data.fd, .events = ready[i].events};
  return count;
}

int linux_pipe(int ends[2]) { return result(pipe2(ends, O_CLOEXEC)); }

int linux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -errno : result(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

static int poll_one(int fd, short events, int timeout_ms) {
  struct pollfd entry = {.fd = fd, .events = events};
  return result(poll(&entry, 1, timeout_ms));
}

int linux_poll_readable(int fd, int timeout_ms) { return poll_one(fd, POLLIN, timeout_ms); }
int linux_poll_writable(int fd, int timeout_ms) { return poll_one(fd, POLLOUT, timeout_ms); }

int linux_open_pty(char *name, size_t capacity) {
  int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -errno;
  int error = 0;
  if (grantpt(fd) < 0 || unlockpt(fd) < 0) error = errno;
  else error = ptsname_r(fd, name, capacity);
  if (error == 0) return fd;
  close(fd);
  return -error;
}

int linux_input_waiting(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) < 0 ? -errno : count;
}

int linux_terminal_get(int fd, struct termios *state) { return result(tcgetattr(fd, state)); }
int linux_terminal_set(int fd, const struct termios *state) { return result(tcsetattr(fd, TCSANOW, state)); }

int linux_window_size(int fd, uint16_t *columns, uint16_t *rows) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
  *columns = size.ws_col;
  *rows = size.ws_row;
  return 0;
}
int linux_set_window_size(int fd, uint16_t columns, uint16_t rows) {
  struct winsize size = {.ws_col = columns, .ws_row = rows};
  return result(ioctl(fd, TIOCSWINSZ, &size));
}

int linux_random(void *buffer, size_t count) {
  ssize_t got = getrandom(buffer, count, 0);
  if (got < 0) return -errno;
  return (size_t)got == count ? 0 : -EIO;
}
