/* System calls that a host refuses, for tests. */
#pragma once

/* From now on the calling thread is refused a system call, by its number, with EPERM (seccomp(2)). 0 or -errno. */
int seccomp_refuse(long call);

extern const long seccomp_io_uring_setup, seccomp_io_uring_enter, seccomp_epoll_wait, seccomp_fdatasync;
