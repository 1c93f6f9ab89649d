/* What this project needs of liburing (Debian's liburing-dev), as functions that return their result or -errno. */
#pragma once

#include <errno.h>
#include <liburing.h>
#include <stdint.h>

/* A ring with room for `entries` requests that were not sent off yet. */
static inline int uring_open(struct io_uring *ring, unsigned entries) { return io_uring_queue_init(entries, ring, 0); }

/* Readable for poll(2) as long as a request has finished that was not taken yet. */
static inline int uring_number(const struct io_uring *ring) { return ring->ring_fd; }

static inline void uring_close(struct io_uring *ring) { io_uring_queue_exit(ring); }

/* -EBUSY when as many requests as the ring has room for wait to be sent off. The pieces have to stay until the request
   has finished. */
static inline int uring_read(
    struct io_uring *ring, int fd, const struct iovec *pieces, unsigned count, uint64_t offset, uint64_t tag) {
  struct io_uring_sqe *entry = io_uring_get_sqe(ring);
  if (!entry) return -EBUSY;
  io_uring_prep_readv(entry, fd, pieces, count, offset);
  io_uring_sqe_set_data64(entry, tag);
  return 0;
}

static inline int uring_write(
    struct io_uring *ring, int fd, const struct iovec *pieces, unsigned count, uint64_t offset, uint64_t tag) {
  struct io_uring_sqe *entry = io_uring_get_sqe(ring);
  if (!entry) return -EBUSY;
  io_uring_prep_writev(entry, fd, pieces, count, offset);
  io_uring_sqe_set_data64(entry, tag);
  return 0;
}

/* fdatasync(2) of all that had finished before. */
static inline int uring_sync_data(struct io_uring *ring, int fd, uint64_t tag) {
  struct io_uring_sqe *entry = io_uring_get_sqe(ring);
  if (!entry) return -EBUSY;
  io_uring_prep_fsync(entry, fd, IORING_FSYNC_DATASYNC);
  io_uring_sqe_set_data64(entry, tag);
  return 0;
}

/* Nothing to do, and to be told that it is done. */
static inline int uring_nothing(struct io_uring *ring, uint64_t tag) {
  struct io_uring_sqe *entry = io_uring_get_sqe(ring);
  if (!entry) return -EBUSY;
  io_uring_prep_nop(entry);
  io_uring_sqe_set_data64(entry, tag);
  return 0;
}

/* Sends off what was prepared; returns how many requests. */
static inline int uring_submit(struct io_uring *ring) { return io_uring_submit(ring); }

/* 1 when a request has finished that was not taken yet: its tag, and its result or -errno. */
static inline int uring_take(struct io_uring *ring, uint64_t *tag, int32_t *result) {
  struct io_uring_cqe *entry;
  if (io_uring_peek_cqe(ring, &entry) != 0) return 0;
  *tag = io_uring_cqe_get_data64(entry);
  *result = entry->res;
  io_uring_cqe_seen(ring, entry);
  return 1;
}
