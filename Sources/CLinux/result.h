/* What this target's files have in common. */
#ifndef RESULT_H
#define RESULT_H

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define NS_PER_SECOND 1000000000ull

/* A system call's result, or what went wrong below 0. */
static inline ssize_t result(ssize_t r) { return r < 0 ? -errno : r; }

static inline struct timespec timespec_from(uint64_t ns) {
  return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_SECOND), .tv_nsec = (long)(ns % NS_PER_SECOND)};
}

#endif
