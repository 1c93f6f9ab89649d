/* What Swift's C library module leaves out of Linux: descriptors that carry events, and calls that glibc shows only to
 * _GNU_SOURCE. Every function returns its result, or -errno: no caller ever reads errno across a language border. */
#pragma once

#include <linux/if_tun.h>
#include <linux/magic.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>

/* open(2) with O_CLOEXEC always set. */
int linux_open(const char *path, int flags, mode_t mode);
int linux_close(int fd);
int linux_duplicate(int fd); /* F_DUPFD_CLOEXEC */
ssize_t linux_read(int fd, void *buffer, size_t count);
ssize_t linux_write(int fd, const void *buffer, size_t count);
ssize_t linux_pread(int fd, void *buffer, size_t count, int64_t offset);
ssize_t linux_send_no_wait(int fd, const void *buffer, size_t count); /* MSG_DONTWAIT, for sockets only */
int linux_rename(const char *from, const char *to);
ssize_t linux_pwrite(int fd, const void *buffer, size_t count, int64_t offset);
ssize_t linux_preadv(int fd, const struct iovec *pieces, int count, int64_t offset);
ssize_t linux_pwritev(int fd, const struct iovec *pieces, int count, int64_t offset);
ssize_t linux_receive_no_wait(int fd, void *buffer, size_t count); /* MSG_DONTWAIT, for sockets only */
/* Stream sockets with a path (unix(7)), all non-blocking: one that is connected, one that listens, one that was accepted. */
int linux_connect(const char *path);
int linux_listen(const char *path);
int linux_accept(int fd);
/* One that listens on TCP (tcp(7)) at a numeric address of IPv4, or of IPv6 if it has a colon; port 0: any that is free. */
int linux_listen_tcp(const char *address, uint16_t port);
int linux_local_port(int fd); /* the port that a TCP socket has on this side (getsockname) */
int linux_send_at_once(int fd); /* TCP_NODELAY */
int64_t linux_peer_user(int fd); /* the user ID of a connected socket's other end (SO_PEERCRED) */
/* A TAP device that puts a virtio header of `header` bytes before each packet; non-blocking. */
int linux_open_tap(const char *name, uint32_t header);
int linux_set_tap_offloads(int fd, uint32_t flags); /* TUN_F_… */
int linux_truncate(int fd, int64_t length);
int linux_sync_data(int fd); /* fdatasync(2) */
/* fallocate(2): the bytes read as zeros; with their room given back, or kept. The file's length stays. */
int linux_allocate(int fd, int64_t length); /* room for what is not there yet */
int linux_punch_hole(int fd, int64_t offset, int64_t length);
int linux_zero_range(int fd, int64_t offset, int64_t length);
int64_t linux_end(int fd); /* where the file ends, also of a block device, which fstat(2) does not tell */
/* A shared lock on one byte, held by the open file description (F_OFD_SETLK); -EAGAIN when it would have to wait. */
int linux_lock_byte(int fd, int64_t offset);
int linux_unlock_bytes(int fd, int64_t offset, int64_t count);
int linux_make_directory(const char *path); /* mode 0700 */
/* 1 when another open file description holds a lock of any kind on the byte (F_OFD_GETLK), 0 when none does. */
int linux_byte_is_locked(int fd, int64_t offset);
/* Non-zero mode bits of fstat(2) in *mode, the size in bytes in *size, when it was last written to in *modified_ns. */
int linux_status(int fd, uint32_t *mode, int64_t *size, int64_t *modified_ns);
int linux_path_status(const char *path, uint32_t *mode, int64_t *size, int64_t *modified_ns); /* the same by stat(2) */
/* What kind of file system it is on (fstatfs(2), statfs(2)), as in linux/magic.h. */
int linux_file_system(int fd, int64_t *magic);
int linux_path_file_system(const char *path, int64_t *magic);
int linux_touch(int fd); /* says that it was written to now (futimens(3)) */
/* What a path itself names, links not followed (lstat(2)). */
int linux_path_identity(const char *path, uint32_t *mode, uint64_t *device, uint64_t *inode);
int linux_lock(int fd);     /* flock(2), exclusive, however long that takes */
int linux_lock_shared(int fd); /* flock(2), shared, however long that takes */
int linux_try_lock(int fd); /* flock(2), exclusive; -EAGAIN when somebody else has it */
/* What tells one file from another (fstat(2)), and the bytes that it takes on its file system. */
int linux_identity(int fd, uint64_t *device, uint64_t *inode, uint64_t *allocated);

/* mmap(2); the address comes back in *address, so that errors need no MAP_FAILED. */
int linux_map(void **address, size_t length, int protection, int flags, int fd, int64_t offset);
/* Fresh private memory without swap space set aside, at a multiple of `alignment`, a power of two above the page size. */
int linux_map_aligned(void **address, size_t length, size_t alignment);
int linux_unmap(void *address, size_t length);
int linux_advise(void *address, size_t length, int advice);
int linux_memfd(const char *name);

/* Takes this program's own code out of the process's page tables (MADV_DONTNEED); what runs on comes back by itself. */
void linux_release_code(void);
void linux_allow_many_files(void); /* RLIMIT_NOFILE as high as this process may have it (setrlimit(2)) */
void linux_use_one_heap(void); /* mallopt(3), M_ARENA_MAX */

int linux_eventfd(void);  /* EFD_CLOEXEC | EFD_NONBLOCK */
int linux_timerfd(void);  /* CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK */
int linux_timerfd_arm(int fd, uint64_t deadline_ns, uint64_t interval_ns); /* absolute deadline; 0 disarms */
int linux_signalfd(const sigset_t *mask);
int linux_epoll(void);
int linux_epoll_control(int epoll, int operation, int fd, uint32_t events);
/* A descriptor that is ready, and for which EPOLL bits: epoll_event without the union, which Swift counts as unsafe. */
struct linux_event { int32_t fd; uint32_t events; };
enum { LINUX_EVENTS_MAX = 16 };
/* Waits without limit; fills at most LINUX_EVENTS_MAX events and returns how many. */
int linux_epoll_wait(int epoll, struct linux_event *events);
int linux_pipe(int ends[2]); /* O_CLOEXEC */
int linux_set_nonblocking(int fd);
int linux_poll_readable(int fd, int timeout_ms); /* 0 when the time is over */
int linux_poll_writable(int fd, int timeout_ms);

/* A pseudo-terminal's controlling side; the other side's path is written to name. */
int linux_open_pty(char *name, size_t capacity);
/* The number of bytes that can be read from a terminal or a pipe. */
int linux_input_waiting(int fd);
int linux_terminal_get(int fd, struct termios *state);
int linux_terminal_set(int fd, const struct termios *state);
/* A terminal's window in characters (ioctl_tty(2), TIOCGWINSZ and TIOCSWINSZ). */
int linux_window_size(int fd, uint16_t *columns, uint16_t *rows);
int linux_set_window_size(int fd, uint16_t columns, uint16_t rows);

/* Starts a program as this process's child and returns its process ID, or -errno also when exec refused. The child has
 * descriptors[i] as its descriptor i (at most LINUX_SPAWN_DESCRIPTORS_MAX) and no other, no signal blocked, and those of
 * `defaults` at their default action; if it is tied, the kernel kills it when the calling thread ends. */
enum { LINUX_SPAWN_DESCRIPTORS_MAX = 8 };
int linux_spawn(const char *path, char *const arguments[], const int descriptors[], int count, const sigset_t *defaults,
                int is_tied);
/* How a child ended: its exit status, or the signal that killed it; the CPU time and memory it took. */
struct linux_child_end {
  int32_t exit_status, signal;
  uint64_t user_ns, system_ns, peak_resident_bytes, minor_faults, major_faults;
};
/* 1 when the child has ended, and is then gone; 0 while it lives. */
int linux_collect(pid_t child, struct linux_child_end *end);

/* A process that no other is ever taken for (pidfd_open(2)), and a signal to it. */
int linux_process(pid_t process);
int linux_signal_process(int process, int signal);
int linux_new_session(void); /* setsid(2) */
int linux_replace(int fd, int place); /* dup2(2) */

/* Has the calling thread run on `count` of this computer's CPUs only, by their numbers (sched_setaffinity(2)). */
int linux_set_affinity(const int32_t *cpus, int count);
/* Names the calling thread, at most 15 bytes (prctl PR_SET_NAME). */
int linux_set_thread_name(const char *name);
/* Has the kernel send `signal` to this process when the thread that started it ends (prctl PR_SET_PDEATHSIG). */
int linux_die_with_parent(int signal);
int linux_send_thread_signal(pthread_t thread, int signal);
int linux_block_signals(const sigset_t *mask);
/* In the calling thread, all signals but one (pthread_sigmask(3)). */
int linux_block_signals_but(int signal);
/* A timer on a clock that sends `signal` to the calling thread (timer_create(2), SIGEV_THREAD_ID). Its number is the
 * kernel's, so that deleting it needs no memory of the C library's. */
int linux_thread_timer(int clock, int signal);
int linux_thread_timer_arm(int timer, uint64_t after_ns); /* relative; 0 disarms */
int linux_thread_timer_delete(int timer);
int linux_set_timer_slack(uint64_t ns); /* of the calling thread (prctl PR_SET_TIMERSLACK) */
/* With a signal blocked: sleeps until the deadline, or until the signal comes or has come (ppoll(2)). */
int linux_sleep_until(uint64_t deadline_ns, int signal);
int linux_set_blocked(int signal, int is_blocked); /* in the calling thread (pthread_sigmask(3)) */
/* The numbers of the CPUs that this process may run on, ascending; returns how many there are (sched_getaffinity(2)). */
int linux_allowed_cpus(int32_t *cpus, int capacity);
int linux_cpu_count(void); /* online, whether this process may run there or not (sysconf(3)) */
/* How often the calling thread has gone to sleep by itself (getrusage(2), RUSAGE_THREAD, ru_nvcsw). */
int64_t linux_voluntary_switches(void);
int linux_random(void *buffer, size_t count);

/* CLOCK_MONOTONIC, CLOCK_REALTIME, and the CPU time of this thread, its process, or another thread of that, in
 * nanoseconds. */
uint64_t linux_monotonic_ns(void);
uint64_t linux_realtime_ns(void);
uint64_t linux_thread_cpu_ns(void);
uint64_t linux_process_cpu_ns(void);
uint64_t linux_other_thread_cpu_ns(pthread_t thread);
